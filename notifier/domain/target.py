"""Where a webhook may go: not into the network that we stand in ourselves.

Whoever names a target could otherwise make us ask the machines beside us: a database's console, the cloud's own address
that hands out credentials. A name says nothing: what counts is the address it leads to when we connect.
"""

import ipaddress
from enum import StrEnum
from urllib.parse import urlsplit

LONGEST = 2000

# Public by their number, and yet the host's own: Azure's and Oracle's doors to themselves.
METADATA = frozenset(ipaddress.ip_address(one) for one in ("168.63.129.16", "192.0.0.192", "100.100.100.200"))
# They end at an IPv4 address that is written into them, translated on the way. Nobody's receiver lives at one.
WRAPS_IPV4 = tuple(ipaddress.ip_network(one) for one in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48",
                                                         "2001::/32", "2002::/16"))  # fmt: skip


class BadTarget(StrEnum):
    """What is wrong with the URL of a subscriber."""

    NOT_A_URL = "not_a_url"
    NOT_HTTPS = "not_https"
    HAS_A_LOGIN = "has_a_login"
    PRIVATE = "private"


def find_fault(url: str, *, private: bool) -> BadTarget | None:
    """Why nothing may be sent there, as far as the URL itself says it. `private`: our own network may be, too."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return BadTarget.NOT_A_URL
    odd = len(url) > LONGEST or not url.isprintable() or any(sign in url for sign in " \\#")
    if odd or not host or parts.scheme not in ("http", "https"):
        return BadTarget.NOT_A_URL
    if parts.username is not None or parts.password is not None:
        return BadTarget.HAS_A_LOGIN  # an address is shown and logged; who it comes from, the signature says
    if private:
        return None
    if parts.scheme != "https":
        return BadTarget.NOT_HTTPS
    return BadTarget.PRIVATE if _is_address(host) and is_private(host) else None


def is_private(address: str) -> bool:
    """Whether an IP address is anything but a host of the internet. What cannot be read is."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return True
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ipaddress.IPv6Address(int(ip))  # without the zone it may name
        if ip.is_site_local or any(ip in network for network in WRAPS_IPV4):
            return True
    return not ip.is_global or ip.is_multicast or ip.is_reserved or ip in METADATA


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
