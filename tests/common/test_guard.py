"""Addresses that strangers choose: what is judged is what is dialled."""

import ipaddress
import re
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from common import guard
from tests.listener import listening

PUBLIC = guard.Policy(ports=(80, 443, *range(8000, 9001)))

CLOSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.8",
    "192.0.0.9",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
OPEN = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "192.167.255.255",
    "223.255.255.254",
    "::ffff:8.8.8.8",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
]


@pytest.mark.parametrize("address", CLOSED)
@pytest.mark.parametrize("port", [80, 443, 8080])
def test_inner_addresses_are_closed(address: str, port: int) -> None:
    assert not PUBLIC.permits(ipaddress.ip_address(address), port)


@pytest.mark.parametrize("address", OPEN)
def test_public_addresses_are_open(address: str) -> None:
    assert PUBLIC.permits(ipaddress.ip_address(address), 443)


@pytest.mark.parametrize(
    "port", [0, 1, 21, 22, 25, 79, 81, 444, 3306, 5432, 6379, 7999, 9001, 65535]
)
def test_only_web_ports_are_open(port: int) -> None:
    assert not PUBLIC.permits(ipaddress.ip_address("8.8.8.8"), port)


@pytest.mark.parametrize("port", [80, 443, 8000, 8443, 9000])
def test_web_ports_are_open(port: int) -> None:
    assert PUBLIC.permits(ipaddress.ip_address("8.8.8.8"), port)


def test_an_allowed_network_is_open_on_any_port_and_no_other() -> None:
    policy = guard.Policy(ports=(443,), allowed=["10.1.0.0/16", " fd00::/8 ", "127.0.0.1"])
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "127.0.0.1"):
        assert policy.permits(ipaddress.ip_address(address), 22)
    for address in ("10.2.0.1", "127.0.0.2", "fc00::1", "8.8.8.8"):
        assert not policy.permits(ipaddress.ip_address(address), 22)


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="network"):
        guard.Policy(ports=(), allowed=["10.0.0.0/33"])


# Every one of these leads to 127.0.0.1 or to another inner address, on this machine as well.
DISGUISES = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "[::ffff:169.254.169.254]",
    "[fe80::1%25lo]",
    "10.0.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "evil@127.0.0.1",
    "8.8.8.8@127.0.0.1",
    "１２７.０.０.１",  # full-width digits, which resolvers make plain
    "ⓛocalhost",
]


@pytest.mark.parametrize("host", DISGUISES)
def test_no_disguise_leads_inside(host: str) -> None:
    """A listener stands on that very port, and hears nothing."""
    with listening() as inner:
        port = urlsplit(inner.url).port
        assert port
        session = guard.session(guard.Policy(ports=(port,)))
        with pytest.raises(requests.RequestException) as raised:
            session.get(f"http://{host}:{port}/", timeout=2)
        assert inner.asked == []
    # Not because nobody answered: because it was judged, or because it is no name at all.
    is_no_name = isinstance(raised.value, requests.exceptions.InvalidURL)
    assert is_no_name or re.search("Forbidden|resolve", str(raised.value)), raised.value


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8:22/", "https://8.8.8.8:25/", "http://8.8.8.8:6379/"]
)
def test_a_port_is_judged_before_it_is_dialled(url: str) -> None:
    started = time.monotonic()
    with pytest.raises(requests.RequestException, match="Forbidden"):
        guard.session(PUBLIC).get(url, timeout=20)
    assert time.monotonic() - started < 10


def test_tls_is_judged_too() -> None:
    with listening() as inner:
        port = urlsplit(inner.url).port
        assert port
        with pytest.raises(requests.RequestException, match="Forbidden"):
            guard.session(guard.Policy(ports=(port,))).get(f"https://localhost:{port}/", timeout=2)
        assert inner.asked == []


def allowed() -> requests.Session:
    return guard.session(guard.Policy(ports=(), allowed=["127.0.0.0/8"]))


def test_an_allowed_address_is_dialled() -> None:
    with listening(body=b"hello") as inner:
        assert allowed().get(inner.url, timeout=2).content == b"hello"
    (asked,) = inner.asked
    # The name stays what the tenant wrote.
    assert asked[2]["host"] == urlsplit(inner.url).netloc


def test_a_name_that_leads_to_several_addresses_goes_to_a_permitted_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name server is not ours; it may answer an inner address beside a good one."""
    real = socket.getaddrinfo
    dialled = []

    def two(host: str, port: int, *args: object, **kwargs: object) -> list[object]:
        addresses = ["10.9.9.9", "127.0.0.1"] if host == "two.example" else [host]
        return [found for a in addresses for found in real(a, port, type=socket.SOCK_STREAM)]

    connect = socket.create_connection

    def remember(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
        dialled.append(address[0])
        return connect(address, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    monkeypatch.setattr(socket, "create_connection", remember)
    with listening(body=b"hello") as inner:
        url = inner.url.replace("127.0.0.1", "two.example")
        assert allowed().get(url, timeout=2).content == b"hello"
    assert dialled == ["127.0.0.1"]


def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second question could be answered with another address, one that nobody judged."""
    asked = []
    real = socket.getaddrinfo

    def rebinding(host: str, *args: object, **kwargs: object) -> object:
        asked.append(host)
        if host == "rebind.example":
            host = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with listening(body=b"hello") as inner:
        url = inner.url.replace("127.0.0.1", "rebind.example")
        assert allowed().get(url, timeout=2).content == b"hello"
    assert asked.count("rebind.example") == 1


def test_no_proxy_of_the_machine_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as proxy, listening(body=b"hello") as inner:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert allowed().get(inner.url, timeout=2).content == b"hello"
        assert proxy.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_like_any_other(status: int) -> None:
    """It is not followed, and its status can be told to whoever asks why."""
    with listening() as elsewhere:
        headers = {"Location": elsewhere.url}
        with listening(status=status, headers=headers, body=b"moved") as receiver:
            answer = allowed().post(
                receiver.url, data=b"{}", timeout=2, allow_redirects=False, stream=True
            )
        assert (answer.status_code, elsewhere.asked) == (status, [])


def test_the_body_of_a_redirect_is_not_read() -> None:
    """It may have no end."""
    headers = {"Location": "http://127.0.0.1:9/"}
    with listening(status=302, headers=headers, drip_seconds=0.05) as receiver:
        session = allowed()
        with session.get(receiver.url, timeout=2, allow_redirects=False, stream=True) as answer:
            assert answer.status_code == 302


def test_nobody_at_home_is_no_forbidden_address() -> None:
    with listening() as inner:
        url = inner.url
    with pytest.raises(requests.ConnectionError):
        allowed().get(url, timeout=2)


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://[zz]/", "ftp://8.8.8.8/", "x", ""]
)
def test_what_is_no_address_is_an_error_of_requests(url: str) -> None:
    with pytest.raises((requests.RequestException, ValueError)):
        guard.session(PUBLIC).get(url, timeout=2)


def test_the_body_does_not_wait_until_the_head_has_arrived() -> None:
    """Head and body leave one after the other; without this the second waits for 40 ms."""
    with listening(body=b"hello") as receiver:
        adapter: Any = allowed().get_adapter(receiver.url)
        connection = adapter.poolmanager.connection_from_url(receiver.url)._new_conn()
        connection.connect()
        assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.close()
