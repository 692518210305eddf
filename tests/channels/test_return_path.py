"""The address that a mail comes back to: of this attempt, made by us, and by nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.return_path import ReturnPath
from notifier.domain.attempt_id import ENTROPY_BYTES, make_attempt_id
from notifier.domain.errors import Forged, Misconfigured
from tests.channels.channel_kit import ATTEMPT, NOW

ADDRESS, SECRET = "bounce@office.example", "made-up"
PATH = ReturnPath(ADDRESS, SECRET)
OTHER = make_attempt_id(NOW, b"9876543210")


@given(st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES))
def test_what_was_given_out_is_read_again(entropy: bytes) -> None:
    attempt = make_attempt_id(NOW, entropy)
    address = PATH.of(attempt)

    assert PATH.read(address) == attempt
    assert len(address.partition("@")[0]) <= 64


@pytest.mark.parametrize("change", [str.upper, str.title, lambda text: f"<{text}>", lambda text: f" {text} "])
def test_servers_on_the_way_may_write_it_their_way(change: object) -> None:
    assert callable(change)
    assert PATH.read(change(PATH.of(ATTEMPT))) == ATTEMPT


def test_nobody_can_tell_two_secrets_apart_but_we() -> None:
    assert ReturnPath(ADDRESS, "another").of(ATTEMPT) != PATH.of(ATTEMPT)
    assert len({PATH.of(ATTEMPT).rpartition(".")[0], PATH.of(OTHER).rpartition(".")[0]}) == 2


@pytest.mark.parametrize("place", range(len("bounce+"), len(PATH.of(ATTEMPT)) - len("@office.example")))
def test_no_letter_can_be_changed(place: int) -> None:
    address = PATH.of(ATTEMPT)
    for letter in "a7":
        changed = f"{address[:place]}{letter}{address[place + 1 :]}"
        if changed != address:
            with pytest.raises(Forged):
                PATH.read(changed)


@pytest.mark.parametrize(
    "address",
    [
        "",
        ADDRESS,
        "notice@office.example",
        ReturnPath(ADDRESS, "another").of(ATTEMPT),
        ReturnPath("bounce@elsewhere.example", SECRET).of(ATTEMPT),
        ReturnPath("bounces@office.example", SECRET).of(ATTEMPT),
        f"{PATH.of(OTHER).partition('.')[0]}.{PATH.of(ATTEMPT).partition('.')[2]}",
        PATH.of(ATTEMPT).replace("@", "@@"),
        PATH.of(ATTEMPT) + "x",
        "王" + PATH.of(ATTEMPT),
        "bounce+" + "a" * 26 + "." + "a" * 16 + "@office.example",
    ],
)
def test_all_else_is_forged(address: str) -> None:
    with pytest.raises(Forged):
        PATH.read(address)


@pytest.mark.parametrize(
    ("address", "secret"),
    [("bounce", SECRET), ("", SECRET), ("b o@office.example", SECRET), ("退信@office.example", SECRET),
     ("bounce@office.example\r\nX: y", SECRET), (f"{'b' * 21}@office.example", SECRET), (ADDRESS, "")],
)  # fmt: skip
def test_an_address_that_cannot_carry_an_attempt_is_our_fault(address: str, secret: str) -> None:
    with pytest.raises(Misconfigured):
        ReturnPath(address, secret)


def test_the_longest_address_that_will_do() -> None:
    address = ReturnPath(f"{'b' * 20}@office.example", SECRET).of(ATTEMPT)

    assert len(address.partition("@")[0]) == 64
