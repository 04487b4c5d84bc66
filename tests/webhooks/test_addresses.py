"""Which addresses of webhooks are refused, however they are spelled (promise 9)."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.addresses import (
    LONGEST_URL,
    AddressRefused,
    Target,
    parse,
    refuse_unless_public,
)

NOBODY: frozenset[str] = frozenset()


@pytest.fixture(autouse=True)
def service() -> None:
    """No database is needed here."""


@pytest.fixture(autouse=True)
def published() -> None:
    """Nothing is told here."""


# Each is a host that some resolver or reader of addresses takes for one inside.
NUMBERS = """
    127。0。0。1 127．0．0．1 127｡0｡0｡1 0x7f。1
    127.0.0.1 127.0.0.1. 127.1 127.0.1 127.000.000.001 2130706433 2130706433. 0x7f000001
    0X7F000001 0x7f.1 0x7f.0x0.0x0.0x1 0177.0.0.1 0177.1 017700000001 0177.0.0.0x1
    127.0.0.0x1 00000000177.0.0.1 0 0.0.0.0 0x0 00 255.255.255.255 256.256.256.256 1.2.3.4.5
    10.0.0.1 10.1 012.0.0.1 192.168.0.1 192.168.1 0300.0250.1 3232235521 0xc0a80001
    172.16.0.1 100.100.100.200 168.63.129.16 169.254.169.254 169.254.43518 169.16689662
    2852039166 0xa9fea9fe 0xA9.0xFE.0xA9.0xFE 0251.0376.0251.0376 025177524776 8.8.8.8
    example.1 example.com.0x7f a.b.0x 99999999999999999999 0x7f000001. 1
"""
BRACKETS = """
    [::1] [::] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001]
    [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:7F00:1] [0:0:0:0:0:ffff:127.0.0.1]
    [::ffff:0:127.0.0.1] [::127.0.0.1] [::ffff:169.254.169.254] [::ffff:a9fe:a9fe]
    [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::]
    [2001:0:7f00:1::] [fe80::1] [fec0::1] [fc00::1] [fd00:ec2::254] [ff02::1]
    [2606:4700:4700::1111]
"""
NOT_WELL_FORMED = [
    "",
    ":443",
    "[]",
    "[::1",
    "::1]",
    "::1",
    "fe80::1",
    "[::1%25lo]",
    "[::1%lo]",
    "[fe80::1%25eth0]",
    "[v1.fe80::1]",
    "[127.0.0.1",
    "[example.com]",
    "[::1]x",
    "x[::1]",
    "[[::1]]",
    "%31%32%37.0.0.1",
    "%6c%6fcalhost",
    "127.0.0.1%00",
    "127.0.0.1%23.example.com",
    "127.0.0.1\\.example.com",
    "example.com\\",
    "exa mple.com",
    " example.com",
    "example.com ",
    "\texample.com",
    "example.com\t",
    "exam\nple.com",
    "example.com\r\nHost: internal",
    "exam\x00ple.com",
    "example.com\x7f",
    "exam\u00a0ple.com",
    "exam\u200bple.com",
    "exam\u2028ple.com",
    "example.com:",
    "example.com:0",
    "example.com:00443",
    "example.com:0443",
    "example.com:65536",
    "example.com:99999",
    "example.com:443443",
    "example.com:-443",
    "example.com:+443",
    "example.com:0x1bb",
    "example.com:https",
    "example.com:443:443",
    "example.com: 443",
    "example.com:４４３",
    "example.com:٤٤٣",
    "example.com,127.0.0.1",
    "example.com;127.0.0.1",
    "example.com&127.0.0.1",
    "{example}.com",
    "$(hostname).example.com",
    "*.example.com",
    "example..com",
    ".example.com",
    "example.com..",
    ".",
    "..",
    "-example.com",
    "example-.com",
    "exam_ple.com",
    f"{'a' * 64}.example.com",
    f"{'a.' * 121}examples.com",  # 254 characters
    f"{'a.' * 125}example.com",
    # What the older rules of IDNA turn into something else.
    "①②⑦.⓪.⓪.①",
    "⑯⑨。②⑤④。⑯⑨｡②⑤④",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "ｌｏｃａｌｈｏｓｔ",
    "loca\u00adlhost",
    "local\u200dhost",
    "１２７.0.0.1",
    "127.0.0.１",
    "example。com。127。0。0。１",
    "ex℀mple.com",
    "example.com＃.internal.test",
    "-münchen.example",
    f"{'ü' * 64}.example",
]
INTERNAL = """
    localhost LOCALHOST LocalHost. localhost.localdomain.localhost anything.localhost
    a.b.localhost. intranet db kubernetes com printer.local printer.local.
    metadata.google.internal METADATA.GOOGLE.INTERNAL. ip-10-0-0-1.ec2.internal internal
    router.home.arpa local
"""
PORTS = [1, 22, 25, 80, 444, 3306, 5432, 6379, 8080, 8444, 9200, 11211, 27017, 65535]
USERS = r"""
    user@example.com user:password@example.com :@example.com @example.com
    example.com@127.0.0.1 127.0.0.1@example.com example.com:443@127.0.0.1
    a@127.0.0.1:80@example.com good\@127.0.0.1 example.com%40127.0.0.1@localhost
    example.com%2f@127.0.0.1 example.com／@internal.test
"""
OTHER_SCHEMES = [
    "http://example.com/",
    "HTTP://example.com/",
    "http://example.com:443/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "file://example.com/etc/passwd",
    "gopher://example.com:70/_",
    "dict://example.com:11211/stats",
    "ldap://example.com/",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "jar:https://example.com/!/",
    "ws://example.com/",
    "//example.com/",
    "///example.com/",
    "/webhooks",
    "example.com",
    "example.com:443",
    "https:example.com",
    "https:/example.com",
    "https:\\\\example.com\\",
    "https//example.com",
    "://example.com",
    " https://example.com",
    "\nhttps://example.com",
    "https ://example.com",
    "htt\tps://example.com",
    "httpſ://example.com",
    "ｈttps://example.com",
    "https\x00://example.com",
    "view-source:https://example.com",
    "https:",
    "https:/",
    "",
    " ",
]
PATHS = [
    "/ä",
    "/a b",
    "/a\tb",
    "/a\nb",
    "/a\r\nX-Injected: 1",
    "/a\x00",
    "/a\x7f",
    "/\\evil",
    '/"',
    "/<>",
    "/{id}",
    "/a|b",
    "/`",
    "/^",
    "/\u2028",
    "/ ",
    "?a b",
]


def _why(url: str, allowed: frozenset[str] = NOBODY) -> str:
    with pytest.raises(AddressRefused) as refused:
        parse(url, allowed)
    return str(refused.value)


@pytest.mark.parametrize("host", [*NUMBERS.split(), *BRACKETS.split()])
def test_no_spelling_of_an_ip_address_is_a_host(host: str) -> None:
    whys = {_why(f"https://{host}{rest}") for rest in ("", "/", ":8443/hook", "?a=b")}

    assert whys == {"its host is an IP address; a name is needed"}


@pytest.mark.parametrize("host", NOT_WELL_FORMED)
def test_a_host_on_which_readers_disagree_is_refused(host: str) -> None:
    whys = {_why(f"https://{host}{rest}") for rest in ("", "/", "/hook", "?a=b")}

    assert len(whys) == 1
    assert "well formed" in whys.pop() or "IDNA" in _why(f"https://{host}/")


@pytest.mark.parametrize("host", INTERNAL.split())
def test_names_that_are_not_public_are_refused_before_they_are_looked_up(host: str) -> None:
    assert _why(f"https://{host}/") == "its host is not a public name"


@pytest.mark.parametrize("port", PORTS)
def test_other_ports_are_refused(port: int) -> None:
    assert _why(f"https://example.com:{port}/") == "its port is neither 443 nor 8443"


@pytest.mark.parametrize("authority", USERS.split())
def test_user_names_and_passwords_are_refused(authority: str) -> None:
    assert _why(f"https://{authority}/") == "it has a user name or a password"


@pytest.mark.parametrize("url", OTHER_SCHEMES)
def test_everything_but_https_is_refused(url: str) -> None:
    assert _why(url) == "it is not an https address"


@pytest.mark.parametrize("path", PATHS)
def test_a_path_has_to_be_encoded_already(path: str) -> None:
    why = _why(f"https://example.com{path}")

    assert why == "its path has characters that have to be percent-encoded"


@pytest.mark.parametrize("url", ["https://example.com/#", "https://example.com#@127.0.0.1/"])
def test_fragments_are_refused(url: str) -> None:
    assert _why(url) == "it has a fragment"


def test_an_address_has_2048_characters_at_the_most() -> None:
    longest = "https://example.com/".ljust(LONGEST_URL, "a")

    assert len(parse(longest, NOBODY).path) == LONGEST_URL - len("https://example.com")
    assert _why(longest + "a") == "it has more than 2048 characters"


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://example.com", "example.com", 443, "/"),
        ("https://example.com/", "example.com", 443, "/"),
        ("HTTPS://Example.COM:443/Hook", "example.com", 443, "/Hook"),
        ("https://example.com:8443/a/../b?c=%20&d=1,2", "example.com", 8443, "/a/../b?c=%20&d=1,2"),
        ("https://example.com.?a@b:c", "example.com", 443, "/?a@b:c"),
        ("https://bücher.example/", "xn--bcher-kva.example", 443, "/"),
        ("https://BÜCHER.example./", "xn--bcher-kva.example", 443, "/"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/"),
        ("https://例え。テスト/", "xn--r8jz45g.xn--zckzah", 443, "/"),
        ("https://v1---hooks-abc-uc.a.example/", "v1---hooks-abc-uc.a.example", 443, "/"),
        ("https://127.0.0.1.example.com/", "127.0.0.1.example.com", 443, "/"),
        ("https://1password.example/", "1password.example", 443, "/"),
        ("https://0x7f.example/", "0x7f.example", 443, "/"),
        ("https://localhost.example/", "localhost.example", 443, "/"),
        ("https://notlocalhost.com/", "notlocalhost.com", 443, "/"),
        (f"https://{'a.' * 121}example.com/", f"{'a.' * 121}example.com", 443, "/"),
    ],
)
def test_a_public_name_is_taken_and_read_once(url: str, host: str, port: int, path: str) -> None:
    assert parse(url, NOBODY) == Target("https", host, port, path, is_allowed=False)


@pytest.mark.parametrize(
    ("allowed", "url", "host", "port"),
    [
        ("localhost", "http://localhost:9000/", "localhost", 9000),
        ("localhost:9000", "http://LocalHost:9000/", "localhost", 9000),
        ("localhost:80", "http://localhost/", "localhost", 80),
        ("localhost:443", "https://localhost/", "localhost", 443),
        ("10.0.0.5", "http://10.0.0.5/", "10.0.0.5", 80),
        ("[::1]:9000", "http://[::1]:9000/", "::1", 9000),
        ("[::1]", "https://[::1]/", "::1", 443),
        ("billing_system", "http://billing_system/", "billing_system", 80),
        ("billing.internal", "https://billing.internal.:444/", "billing.internal", 444),
    ],
)
def test_the_operator_may_allow_a_host(allowed: str, url: str, host: str, port: int) -> None:
    target = parse(url, frozenset({allowed}))

    assert (target.host, target.port, target.is_allowed) == (host, port, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:9001/",
        "http://localhost/",
        "https://127.0.0.1:9000/",
        "http://x.localhost:9000/",
        "http://localhost:9000@127.0.0.1/",
        "http://user@localhost:9000/",
        "ftp://localhost:9000/",
        "http://localhost:9000/#",
        "http://localhost%3a9000/",
    ],
)
def test_what_is_allowed_is_exactly_that(url: str) -> None:
    assert _why(url, frozenset({"localhost:9000"}))


CLOSED = """
    0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255
    127.0.0.1 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 169.254.255.255
    172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.192 192.0.0.255 192.0.2.1 192.88.99.1
    192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
    239.255.255.255 240.0.0.0 255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1
    ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1
    1fff:ffff::1 2001::1 2001:0:7f00:1:: 2001:1ff:ffff:: 2001:db8::1 2002::1 2002:7f00:1::
    3fff::1 3fff:fff:ffff:: 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%lo fec0::1
    ff02::1 2606:4700:4700::1111%eth0 localhost 127.1
"""
OPEN = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255
    128.0.0.0 168.63.129.15 168.63.129.17 172.15.255.255 172.32.0.0 192.0.1.0 192.88.98.255
    192.167.255.255 198.17.255.255 198.20.0.0 223.255.255.255 2001:200::1
    2001:4860:4860::8888 2003::1 2606:4700:4700::1111 3ffe::1
"""


@pytest.mark.parametrize("address", [*CLOSED.split(), ""])
def test_an_address_that_is_not_public_is_refused_without_being_named(address: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        refuse_unless_public(address)

    assert not address or address not in str(refused.value)


@pytest.mark.parametrize("address", OPEN.split())
def test_a_public_address_passes(address: str) -> None:
    refuse_unless_public(address)


def _is_refused(address: str) -> bool:
    try:
        refuse_unless_public(address)
    except AddressRefused:
        return True
    return False


@given(st.ip_addresses())
def test_whatever_python_calls_special_is_refused(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    is_plain = address.is_global and not (address.is_multicast or address.is_reserved)

    assert is_plain or _is_refused(str(address))


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:", "::", "::ffff:0:", "64:ff9b::", "2002:"]))
def test_no_ipv4_address_passes_inside_an_ipv6_address(
    address: ipaddress.IPv4Address, prefix: str
) -> None:
    high, low = divmod(int(address), 0x10000)

    assert _is_refused(f"{prefix}{high:x}:{low:x}" + ("::" if prefix == "2002:" else ""))


@given(st.text(max_size=40))
def test_whatever_the_host_is_there_is_a_target_or_a_reason(host: str) -> None:
    try:
        target = parse(f"https://{host}/", NOBODY)
    except AddressRefused:
        return

    assert target.host.isascii()
    assert target.host == target.host.lower()
    assert not set(target.host) - set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert target.port in (443, 8443)
