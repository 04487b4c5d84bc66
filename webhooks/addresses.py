"""Where webhooks may be sent: public hosts by https, and what the operator allows (promise 9)."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

import idna

LONGEST_URL = 2048
ADDRESSES_KEPT = 1024
USUAL_PORTS = {"https": 443, "http": 80}
PORTS = (443, 8443)
# Names that never belong to a public host (RFC 6761, 6762, 8375; and the internal top level).
INTERNAL_NAMES = ("localhost", "local", "internal", "home.arpa")

URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^#]*)", re.IGNORECASE
)
AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::(?P<port>[1-9][0-9]{0,4}))?")
PATH = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]*")
# Operators may allow underscores, too, which names in private networks have.
NAME = re.compile(r"[a-z0-9_.-]+|\[[0-9a-f:.]+\]")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
LONGEST_NAME = 253

# What is special among IPv4 addresses, beside Azure's metadata service, which looks public.
CLOSED_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
# Of IPv6 only what is handed out is open: no mapped, translated, local or unknown addresses.
OPEN_V6 = ipaddress.IPv6Network("2000::/3")
CLOSED_V6 = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)


class AddressRefused(Exception):
    """Nothing is sent there; the message says why, in words, and names no address."""


@dataclass(frozen=True)
class Target:
    """
    Where a message goes; what is connected to and what is asked for come from here alone.

    Attributes:
        scheme: `https`, or `http` where it is allowed.
        host: in lower case and ASCII, without a trailing dot.
        path: from the slash on, with the query.
        is_allowed: whether the operator vouches for the host, whatever its address.
    """

    scheme: str
    host: str
    port: int
    path: str
    is_allowed: bool


@lru_cache(ADDRESSES_KEPT)
def parse(url: str, allowed: frozenset[str]) -> Target:
    """
    Read an address of webhooks; to keep what was read saves 5 microseconds for each delivery.

    `allowed` are the hosts, as `host` or `host:port`, for which the operator lifts the rules of
    port, scheme and address. Raises `AddressRefused`.
    """
    scheme, authority, path = _split(url)
    host, port = _host_and_port(authority, USUAL_PORTS[scheme])
    if host in allowed or f"{host}:{port}" in allowed:
        return Target(scheme, host.strip("[]"), port, path, is_allowed=True)
    if scheme != "https":
        raise AddressRefused("it is not an https address")
    if port not in PORTS:
        raise AddressRefused("its port is neither 443 nor 8443")
    _refuse_unless_a_public_name(host)
    return Target(scheme, host, port, path, is_allowed=False)


def refuse_unless_public(address: str) -> None:
    """Refuse what a resolver answered unless it is a public address. Raises `AddressRefused`."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        raise AddressRefused("its host has no usable address") from None
    if isinstance(ip, ipaddress.IPv4Address):
        is_public = not any(ip in network for network in CLOSED_V4)
    else:
        is_public = (
            ip.scope_id is None
            and ip in OPEN_V6
            and not any(ip in network for network in CLOSED_V6)
        )
    if not is_public:
        raise AddressRefused("its host has an address that is not public")


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, authority and path; this is the only reading of an address that there is."""
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"it has more than {LONGEST_URL} characters")
    if "#" in url:
        raise AddressRefused("it has a fragment")
    parts = URL.fullmatch(url)
    if parts is None or parts["scheme"].lower() not in USUAL_PORTS:
        raise AddressRefused("it is not an https address")
    if not PATH.fullmatch(parts["path"]):
        raise AddressRefused("its path has characters that have to be percent-encoded")
    path = parts["path"] if parts["path"].startswith("/") else "/" + parts["path"]
    return parts["scheme"].lower(), parts["authority"], path


def _host_and_port(authority: str, usual_port: int) -> tuple[str, int]:
    if "@" in authority:
        raise AddressRefused("it has a user name or a password")
    parts = AUTHORITY.fullmatch(authority)
    if parts is None or int(parts["port"] or usual_port) > 0xFFFF:
        raise AddressRefused("its host or its port is not well formed")
    return _plain(parts["host"]), int(parts["port"] or usual_port)


def _plain(host: str) -> str:
    """The host in lower case and ASCII (IDNA 2008), without the dot that ends a full name."""
    host = host.lower().removesuffix(".")
    if host.isascii():
        # No percent signs, spaces or backslashes, on which readers of addresses disagree.
        if not NAME.fullmatch(host):
            raise AddressRefused("its host is not well formed")
        return host
    try:
        return idna.encode(host).decode()
    except idna.IDNAError:
        raise AddressRefused("its host is no internationalised name (IDNA 2008)") from None


def _refuse_unless_a_public_name(host: str) -> None:
    labels = host.split(".")
    if host.startswith("[") or NUMBER.fullmatch(labels[-1]):
        raise AddressRefused("its host is an IP address; a name is needed")
    if len(labels) == 1 or any(f".{host}".endswith(f".{name}") for name in INTERNAL_NAMES):
        raise AddressRefused("its host is not a public name")
    if len(host) > LONGEST_NAME or not all(LABEL.fullmatch(label) for label in labels):
        raise AddressRefused("its host is not well formed")
