"""Which addresses a webhook may go to."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.target import BadTarget, find_fault, is_private

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "192.0.2.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1",
    "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:0:0:0:0:0:1",
    "no address at all", "",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "168.95.1.1", "2001:b000:168::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_way_into_our_own_network(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_hosts_of_the_internet(address: str) -> None:
    assert not is_private(address)


@given(st.ip_addresses(v=4))
def test_nothing_that_wraps_another_address(address: ipaddress.IPv4Address) -> None:
    high, low = int(address) >> 16, int(address) & 0xFFFF
    assert all(is_private(one) for one in (f"::ffff:{address}", f"64:ff9b::{address}", f"2002:{high:x}:{low:x}::1"))


@given(st.text())
def test_what_cannot_be_read_raises_nothing(text: str) -> None:
    find_fault(text, private=False)
    is_private(text)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://cases.office.example/hook?from=notifier", None),
        ("https://cases.office.example:8443", None),
        ("https://8.8.8.8/hook", None),
        ("http://cases.office.example/hook", BadTarget.NOT_HTTPS),
        ("https://127.0.0.1/hook", BadTarget.PRIVATE),
        ("https://[::1]/hook", BadTarget.PRIVATE),
        ("https://[::ffff:10.0.0.1]/hook", BadTarget.PRIVATE),
        ("https://169.254.169.254/latest/meta-data", BadTarget.PRIVATE),
        ("https://user:secret@cases.office.example", BadTarget.HAS_A_LOGIN),
        ("https://user@cases.office.example", BadTarget.HAS_A_LOGIN),
        ("ftp://cases.office.example", BadTarget.NOT_A_URL),
        ("cases.office.example/hook", BadTarget.NOT_A_URL),
        ("https:///hook", BadTarget.NOT_A_URL),
        ("https://cases.office.example:port", BadTarget.NOT_A_URL),
        ("https://cases.office.example/a b", BadTarget.NOT_A_URL),
        ("https://cases.office.example/\n", BadTarget.NOT_A_URL),
        ("https://cases.office.example/#part", BadTarget.NOT_A_URL),
        ("https://good.example\\@bad.example", BadTarget.NOT_A_URL),
        ("https://[::1", BadTarget.NOT_A_URL),
        ("", BadTarget.NOT_A_URL),
    ],
)
def test_what_a_url_says_of_itself(url: str, fault: BadTarget | None) -> None:
    assert find_fault(url, private=False) is fault


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "https://10.0.0.1", "http://cases"])
def test_our_own_network_where_it_is_allowed(url: str) -> None:
    assert find_fault(url, private=True) is None
