"""Where a request comes from, whatever it says about itself."""

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from common import addresses
from relay.api import client

PROXY, OTHER_PROXY, CLIENT = "10.0.0.1", "10.0.0.2", "203.0.113.9"


@pytest.fixture(autouse=True)
def proxies(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "2001:db8:aa::/48"]


def seen(peer: str, forwarded: str | None) -> str | None:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    found = client.address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers))
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        pytest.param(CLIENT, None, CLIENT, id="no-proxy"),
        pytest.param(CLIENT, "198.51.100.1", CLIENT, id="only-proxies-are-believed"),
        pytest.param(CLIENT, "127.0.0.1", CLIENT, id="nobody-makes-himself-local"),
        pytest.param(PROXY, None, PROXY, id="a-silent-proxy"),
        pytest.param(PROXY, "", PROXY, id="an-empty-header"),
        pytest.param(PROXY, " ", PROXY, id="a-blank-header"),
        pytest.param(PROXY, CLIENT, CLIENT, id="one-proxy"),
        pytest.param(PROXY, f"{CLIENT}, {OTHER_PROXY}", CLIENT, id="two-proxies"),
        pytest.param(PROXY, f"{CLIENT},{OTHER_PROXY},{PROXY}", CLIENT, id="three"),
        pytest.param(PROXY, f"198.51.100.1, {CLIENT}", CLIENT, id="what-the-client-said-itself"),
        pytest.param(PROXY, f"{PROXY}, {CLIENT}", CLIENT, id="a-client-that-plays-proxy"),
        pytest.param(PROXY, f"127.0.0.1, {CLIENT}", CLIENT, id="a-client-that-plays-local"),
        pytest.param(PROXY, f"garbage, {CLIENT}", CLIENT, id="garbage-of-the-client"),
        pytest.param(PROXY, OTHER_PROXY, OTHER_PROXY, id="a-proxy-asks-for-itself"),
        pytest.param(PROXY, f"{OTHER_PROXY}, {PROXY}", OTHER_PROXY, id="proxies-only"),
        # What cannot be read: nobody knows who stands left of it.
        pytest.param(PROXY, "garbage", PROXY, id="garbage"),
        pytest.param(PROXY, f"{CLIENT}, garbage", PROXY, id="garbage-at-the-end"),
        pytest.param(PROXY, f"{CLIENT}, unknown", PROXY, id="unknown"),
        pytest.param(PROXY, f"{CLIENT}, _hidden", PROXY, id="obfuscated"),
        pytest.param(PROXY, f"{CLIENT},", PROXY, id="a-comma-too-many"),
        pytest.param(PROXY, ",,,", PROXY, id="commas"),
        pytest.param(PROXY, f"{CLIENT}, garbage, {OTHER_PROXY}", PROXY, id="garbage-between"),
        pytest.param(PROXY, "203.0.113.009", PROXY, id="leading-zeros"),
        pytest.param(PROXY, "0xCB.0.0x71.9", PROXY, id="hexadecimal"),
        pytest.param(PROXY, "3405803785", PROXY, id="one-number"),
        pytest.param(PROXY, "203.0.113", PROXY, id="short"),
        pytest.param(PROXY, "203.0.113.9.1", PROXY, id="long"),
        pytest.param(PROXY, "203.0.113.256", PROXY, id="too-large"),
        pytest.param(PROXY, "２０３.0.113.9", PROXY, id="wide-digits"),
        pytest.param(PROXY, "203.0.113.9/32", PROXY, id="a-network"),
        pytest.param(PROXY, '"203.0.113.9"', PROXY, id="quoted"),
        pytest.param(PROXY, "for=203.0.113.9", PROXY, id="the-other-header"),
        pytest.param(PROXY, "203.0.113.9\x00", PROXY, id="nul"),
        pytest.param(PROXY, "x" * 8000, PROXY, id="long-garbage"),
        pytest.param(PROXY, f"{OTHER_PROXY}," * 700 + CLIENT, CLIENT, id="many"),
        # Ways to write one.
        pytest.param(PROXY, f"\t{CLIENT} ", CLIENT, id="spaces"),
        pytest.param(PROXY, f"{CLIENT}:5678", CLIENT, id="with-port"),
        pytest.param(PROXY, f"::ffff:{CLIENT}", CLIENT, id="mapped"),
        pytest.param(f"::ffff:{PROXY}", CLIENT, CLIENT, id="a-mapped-proxy"),
        pytest.param(PROXY, "2001:DB8::7", "2001:db8::7", id="v6"),
        pytest.param(PROXY, "[2001:db8::7]", "2001:db8::7", id="v6-brackets"),
        pytest.param(PROXY, "[2001:db8::7]:443", "2001:db8::7", id="v6-port"),
        pytest.param(PROXY, f"[::ffff:{CLIENT}]:1", CLIENT, id="mapped-port"),
        pytest.param(PROXY, "[2001:db8::7", PROXY, id="half-a-bracket"),
        pytest.param(PROXY, f"{CLIENT}:567890", PROXY, id="no-port"),
        pytest.param("2001:db8:aa::1", "2001:db8::7", "2001:db8::7", id="v6-proxy"),
        pytest.param("fe80::1%eth0", CLIENT, "fe80::1", id="link-local"),
        # A unix socket is a proxy of ours.
        pytest.param("", CLIENT, CLIENT, id="socket"),
        pytest.param("", f"198.51.100.1, {CLIENT}, {PROXY}", CLIENT, id="socket-and-proxies"),
        pytest.param("", None, None, id="a-silent-socket"),
        pytest.param("", "garbage", None, id="socket-and-garbage"),
        pytest.param("no address", CLIENT, None, id="whatever-this-is"),
    ],
)
def test_the_clients_address(peer: str, forwarded: str | None, expected: str | None) -> None:
    assert seen(peer, forwarded) == expected


def test_nobody_is_trusted_where_no_proxy_is(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = []
    assert seen("127.0.0.1", CLIENT) == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9/32 ", "203.0.113.9"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.0/255.255.255.0", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("2001:DB8:0::/32", "2001:db8::/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_networks_are_stored_in_one_way(text: str, tidy: str) -> None:
    assert addresses.tidy([text, text]) == [tidy]


@pytest.mark.parametrize(
    "text",
    ["", "garbage", "203.0.113.9/24", "203.0.113.9/33", "203.0.113.9-20", "fe80::1%eth0", "1\x00",
     "203.0.113.9:80", "*", "203.0.113.*", "example.com", "9" * 1000],
)  # fmt: skip
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the words are Python's
        addresses.tidy(["203.0.113.9", text])


@pytest.mark.parametrize(
    ("address", "networks", "is_in"),
    [
        ("203.0.113.9", ["203.0.113.9"], True),
        ("203.0.113.9", ["198.51.100.0/24", "203.0.113.0/24"], True),
        ("203.0.113.9", ["198.51.100.0/24"], False),
        ("::ffff:203.0.113.9", ["203.0.113.0/24"], True),
        ("203.0.113.9", ["::ffff:203.0.113.0/120"], True),
        ("2001:db8::7", ["2001:db8::/32"], True),
        ("2001:db8::7", ["0.0.0.0/0"], False),
        ("203.0.113.9", ["::/0"], False),
        ("203.0.113.9", ["garbage"], False),
        ("203.0.113.9", [], False),
    ],
)
def test_whether_an_address_is_in_a_network(address: str, networks: list[str], is_in: bool) -> None:
    assert addresses.is_in(addresses.address(address), networks) is is_in
