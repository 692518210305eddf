import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.lint import lint_template
from notifier.domain.purpose import Purpose

REFUSED = [
    ("link", "請至 http://example.org 繳費"),
    ("link", "請至ｈｔｔｐｓ：／／example.org繳費"),
    ("link", "見 www.example.org"),
    ("link", "見 example.com"),
    ("link", "請上example.com.tw查詢"),
    ("link", "請上台電.tw查詢"),
    ("link", "bit.ly/3abc"),
    ("link", "pay at e-bill.example.co/pay now"),
    ("link", "203.0.113.9"),
    ("link", "exam\u200bple.com"),
    ("link", "example。com"),
    ("link", "example dot com"),
    ("link", '<a href="{{ page }}">'),
    ("link", "<img src='cid:logo'>"),
    ("link", "{{ 'https://example.org' }}"),
    ("link", "{{ page | default('example.com') }}"),
    ("link", "mailto:office@example.org"),
    ("transfer_call", "為您轉接客服"),
    ("transfer_call", "轉 接"),
    ("transfer_call", "轉\u200b接"),
    ("transfer_call", "请稍候，转接中"),
    ("transfer_call", "按九轉專人服務"),
    ("transfer_call", "將轉由承辦人員說明"),
    ("transfer_call", "為您接通"),
    ("transfer_call", "We will transfer you to an agent."),
    ("transfer_call", "You are being TRANSFERRED."),
    ("transfer_call", "I am putting you through."),
    ("transfer_call", "We are connecting you to an officer."),
    ("identity", "請輸入身分證字號"),
    ("identity", "身份證"),
    ("identity", "身 分 證"),
    ("identity", "我們不會詢問身分證字號"),
    ("identity", "Please enter your ID number."),
    ("identity", "your national ID"),
    ("identity", "Have your identity card ready."),
    ("remit", "請匯款"),
    ("remit", "請將款項匯至"),
    ("remit", "本公司絕不要求您匯款"),
    ("remit", "请汇款"),
    ("remit", "Please remit the amount."),
    ("remit", "by remittance"),
    ("remit", "Please wire the money today."),
    ("remit", "a wire transfer"),
    ("payee_account", "請轉帳至以下帳戶"),
    ("payee_account", "請將電費轉入指定戶頭"),
    ("payee_account", "帳戶：請轉帳"),
    ("payee_account", "帳號：004-123456789"),
    ("payee_account", "帳號{{ payee }}"),
    ("payee_account", "銀行代碼004"),
    ("payee_account", "收款人"),
    ("payee_account", "The payee is the office."),
    ("payee_account", "Pay into the following account."),
    ("payee_account", "bank account number"),
    ("simplified", "您的电费"),
    ("simplified", "请缴费"),
]

ACCEPTED = [
    "您的電費新臺幣1,234元，請於12月5日以前繳費。",
    "電號04-12-3456-78-9",
    "電號{{ account_no | written_account }}",
    "Your account number is 04-12-3456-78-9.",
    "Your account number is {{ account_no }}.",
    "您的電費已設定轉帳代繳。",
    "請確認轉帳代繳的帳戶存款足夠。",  # a standing order is the customer's own account
    "約定轉帳帳戶已變更。",
    "帳單已寄出。",
    "Your bank account is charged by automatic transfer.",
    "Please test your transfer switch before the outage.",
    "The transfer of ownership is complete.",
    "The new transformer is in service.",
    "A fallen wire has been repaired; keep away from wires.",
    "供電已接通。",
    "轉接頭請自備。",
    "匯流排檢修",
    "請撥1911查證。",
    "電話07-338-3131轉12",
    "Write to {{ optout_email }}.",
    "請寫信到optout@example.com.tw",
    "write to stop.calls@mail.example.org, please",
    "{{ bill.due_on | written_date }} {% for bill in bills %}{{ loop.index }}{% endfor %}",
    "{# https://example.org: a comment is not said #}",
    "Amount: NT$1,234.50. Thank you.",
    "Pay by December 5.Thank you.",
    "from 9 a.m. to 5 p.m., e.g. on Monday",
    '<p style="margin:0.5em;line-height:1.7">您好</p>',
    "This message carries no links and no attachments.",
    "We will not call this number again.",
    "Taiwan 台灣 臺灣 里 后 台 裏",
]


@pytest.mark.parametrize(("rule", "text"), REFUSED)
def test_the_marks_of_fraud_are_refused(rule: str, text: str) -> None:
    findings = lint_template(Purpose.SERVICE, "sms", "zh-TW", text)
    finding = next((finding for finding in findings if finding.rule == rule), None)
    assert finding, findings
    assert finding.reason
    assert finding.reason_zh
    assert finding.excerpt


@pytest.mark.parametrize("text", ACCEPTED)
@pytest.mark.parametrize("purpose", [Purpose.SERVICE, Purpose.SAFETY, Purpose.SURVEY])
def test_honest_words_pass(purpose: Purpose, text: str) -> None:
    assert lint_template(purpose, "email", "zh-TW", text) == []


@pytest.mark.parametrize("channel", ["voice", "sms", "email"])
@pytest.mark.parametrize(
    "text", ["您有電費未繳。", "請撥07-319-1911", "請撥191", "零，七，一，九，一，一", "call 21911"]
)
def test_a_collection_message_must_name_1911(channel: str, text: str) -> None:
    [finding] = lint_template(Purpose.COLLECTION, channel, "zh-TW", text)
    assert finding.rule == "verify_1911"
    assert channel in finding.reason


@pytest.mark.parametrize(
    "text",
    [
        "查證請撥1911",
        "1911",
        "{{ '1911' | spoken_digits }}",
        "請撥一，九，一，一。",
        "請撥么，九，么，么。",
        "dial one, nine, one, one.",
    ],
)
def test_1911_counts_however_it_is_said(text: str) -> None:
    assert lint_template(Purpose.COLLECTION, "voice", "zh-TW", text) == []


def test_english_is_not_asked_for_traditional_characters() -> None:
    assert lint_template(Purpose.SERVICE, "voice", "en", "电") == []


@settings(deadline=None)
@given(st.text(max_size=200), st.sampled_from(["zh-TW", "en"]))
def test_no_text_makes_it_raise(text: str, locale: str) -> None:
    lint_template(Purpose.COLLECTION, "sms", locale, text)
