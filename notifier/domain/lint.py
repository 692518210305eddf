"""What a message of a genuine office never says.

The utility tells its customers that a genuine call never transfers, that its messages carry no link, and that nobody
asks for an identity number or names an account to remit to. Those are the marks of fraud, so no template may bear one,
not even to warn of it: a listener hears the word, not the negation. And whoever is asked to pay is told where to check.
"""

import re
import unicodedata
from dataclasses import dataclass

from notifier.domain.purpose import Purpose

EXCERPT = 14  # characters shown on each side of what was found


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change. `rule` is stable; `excerpt` is the text around it, empty when something is missing; `line`
    of the text, 0 where it concerns the whole."""

    rule: str
    reason: str
    reason_zh: str
    excerpt: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    pattern: re.Pattern[str]
    reason: str
    reason_zh: str


def _rule(name: str, reason: str, reason_zh: str, *patterns: str) -> _Rule:
    return _Rule(name, re.compile("|".join(patterns), re.IGNORECASE | re.ASCII), reason, reason_zh)


_TLD = "com|net|org|edu|gov|info|biz|tw|cn|hk|jp|io|xyz|top|vip|icu|shop|site|online|club|app|link|台灣|台湾"
_LABEL = r"(?<![\w@.-])(?:[\w一-鿿-]{1,63}\.|[\w-]{1,63}。)+"  # not behind an @: a mail address is no link
_LINK = "a message carries no link: forged ones do, and the carrier refuses it"
_VALUE = "\ufffc"  # stands for the value of a template expression
_NEAR = r"[^。!?;\n]{0,20}"
_ACCOUNT = "(?:[帳賬账][戶户號号]|戶頭)"
_MOVE = "(?:[匯汇](?!流)|轉帳|轉賬|转账|轉入|轉到|remit|transfer)"

_RULES = (
    _rule(
        "link",
        _LINK,
        "訊息不得含有網址或連結",
        r"\b(?:https?|ftp)\s*:",
        r"\bwww\s*\.",
        rf"{_LABEL}(?:{_TLD})(?![\w@-])",
        rf"{_LABEL}[a-z]{{2,}}/",
        r"(?<![\w@.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])",
        r"\b(?:href|src|action)\s*=|<\s*(?:a|img|script|iframe|form|link)\b|\burl\s*\(|\bmailto\s*:",
        rf"(?:\bdot\s+|點\s*)(?:{_TLD})\b",
    ),
    _rule(
        "transfer_call",
        "a genuine call is never transferred",
        "真正的通知電話不會轉接",
        r"[轉转][接给給至到由往]?[^,。\n]{0,3}(?:客服|專人|专人|專員|专员|人員|人员|警|檢察|检察)",
        r"[轉转]接(?![器頭座盒])",
        "[為幫替为帮]您?(?:接通(?!電)|接給|接到)",
        r"\btransfer(?:s|red|ring)?\b",
        r"\bput(?:ting)? you through\b|\bconnect(?:ing)? you (?:to|with)\b",
    ),
    _rule(
        "identity",
        "nobody of the office asks for an identity number",
        "本公司人員不會詢問身分證字號",
        "身[分份][證証证]",
        r"\bID[ -]?(?:card|number|no\b)|\bidentity (?:card|number|document)|\bidentification number|\bnational ID\b",
        r"\bpassport (?:no\b|number)",
    ),
    _rule(
        "remit",
        "the office never asks anybody to remit money",
        "本公司不會要求匯款",
        "[匯汇](?:款|入|到|至|錢|钱|給|给)|[電电][匯汇]",
        r"\bremit(?:s|ted|ting|tances?)?\b",
        r"\bwir(?:e|ed|ing) (?:transfer|us\b|(?:the |your |this )?(?:money|funds?|payment|amount|fee|sum)|NT\$)",
    ),
    _rule(
        "payee_account",
        "the office never names an account to pay into",
        "本公司不會提供匯款或轉帳的帳戶",
        f"{_ACCOUNT}{_NEAR}{_MOVE}",
        f"{_MOVE}{_NEAR}{_ACCOUNT}",
        f"{_ACCOUNT}[^,。\n]{{0,6}}(?:[0-9][0-9-]{{5}}|{_VALUE})",
        "(?:受款|收款)(?:人|帳|銀行|戶)|銀行代[碼號]|戶名|指定帳[戶號]",
        r"\bpayees?\b|\bbeneficiary\b|\bIBAN\b|\bSWIFT code\b|\bbank code\b|\bbank account (?:no\b|number)",
        r"\b(?:in)?to (?:this|the following|our|the) (?:bank )?account\b",
    ),
)

# Words of the trade that hold a forbidden one: paying by standing order, a generator's switch, a change of customer.
_INNOCENT = re.compile(
    "轉[帳賬]代繳|(?:約定|自動|委託)轉[帳賬]|轉[帳賬]扣繳|"
    r"\b(?:automatic|bank|direct)(?: bank)? transfer\b|\btransfer switch(?:es)?\b|\btransfer of ownership\b|"
    r"\bownership transfer\b|\bload transfer\b",
    re.IGNORECASE,
)

_SAID_DIGIT = "[零一二三四五六七八九么]"
_VERIFY = re.compile(
    r"(?<![\d-])1911(?![\d-])"
    rf"|(?<!{_SAID_DIGIT},)[一么],? ?九,? ?[一么],? ?[一么](?!,?{_SAID_DIGIT})"
    r"|\bone\W{1,3}nine\W{1,3}one\W{1,3}one\b",
    re.IGNORECASE,
)


def lint_template(purpose: Purpose, channel: str, locale: str, text: str) -> list[Finding]:
    """Everything in a template's source, or in a rendered text, that its reader should not meet. Empty when clean."""
    said = _plain(text)
    findings = [finding for rule in _RULES if (finding := _find(rule, said))]
    if purpose is Purpose.COLLECTION and not _VERIFY.search(said):
        findings.append(
            Finding(
                "verify_1911",
                f"a collection message by {channel} says that it can be verified at 1911",
                "催繳訊息必須告知可撥1911查證",
                "",
            )
        )
    if locale == "zh-TW" and (match := re.search("|".join(_simplified(said)) or "(?!)", said)):
        where = _around(said, match), _line(said, match)
        findings.append(Finding("simplified", "a simplified character", "簡體字", *where))
    return findings


def lint_said(purpose: Purpose, channel: str, text: str) -> list[Finding]:
    """What a text that is about to be said, or a cell that will be, must not hold. Names may be written in characters
    of any kind."""
    return lint_template(purpose, channel, "", text)


def _find(rule: _Rule, said: str) -> Finding | None:
    text = said if rule.name == "link" else _INNOCENT.sub(" ", said)
    match = rule.pattern.search(text)
    return Finding(rule.name, rule.reason, rule.reason_zh, _around(text, match), _line(text, match)) if match else None


def _simplified(said: str) -> list[str]:
    """Characters that mainland China's basic set has and Taiwan's has not; a character of both passes."""
    return [
        character for character in set(_HAN.findall(said)) if _in(character, "gb2312") and not _in(character, "cp950")
    ]


def _in(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _line(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start()) + 1


def _around(text: str, match: re.Match[str]) -> str:
    return text[max(match.start() - EXCERPT, 0) : match.end() + EXCERPT].strip()


_HAN = re.compile(r"[一-鿿]")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_TAG = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
_LITERAL = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_CJK_GAP = re.compile(r"(?<=[一-鿿])[ \t]+(?=[一-鿿])")


def _plain(text: str) -> str:
    """The words alone: full-width forms folded, invisible characters out, of template tags only their literals."""
    folded = unicodedata.normalize("NFKC", _TAG.sub(_literals, _COMMENT.sub(_line_ends, text)))
    visible = "".join(character for character in folded if unicodedata.category(character) != "Cf")
    return _CJK_GAP.sub("", visible)


def _literals(tag: re.Match[str]) -> str:
    literals = ["".join(pair) for pair in _LITERAL.findall(tag[0])]
    return (" ".join(literals) or (_VALUE if tag[1] else " ")) + _line_ends(tag)


def _line_ends(match: re.Match[str]) -> str:
    """So that what follows stands where it stood."""
    return "\n" * match[0].count("\n")
