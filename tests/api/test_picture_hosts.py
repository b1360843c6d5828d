"""What a host of pictures may do to us: lie, lead us around, never end, never begin."""

import os
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.accounts import Account
from tests.picture_host import (
    INNER,
    MP4,
    PAGE,
    Behaviour,
    PictureHost,
    announces,
    comes_in_pieces,
    gives,
    is_endless,
    png,
    redirects,
    trickles,
    trickles_a_chunk_size,
    trickles_its_head,
    trickling_handshake,
)
from tests.results import assert_refused, get, succeeded
from tests.stack import QUICK, Stack, wait_until

TIMEOUT_SECONDS = float(QUICK["PICTURE_TIMEOUT_SECONDS"])
MAX_BYTES = 64 * 1024 * 1024


@pytest.mark.parametrize(
    "behaviour",
    [
        gives(PAGE),
        gives(PAGE, content_type="image/webp"),
        gives(b"<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/svg+xml"),
        gives(MP4),
        gives(b""),
        gives(b"\x89PNG"),
        gives(png(), status=201),
        gives(png(), status=404),
        gives(png(), status=500),
        announces(100, and_sends=b"\x89PNG"),
        announces(100 * 1024 * 1024, and_sends=png()),
        redirects("/loop"),
        redirects("file:///etc/passwd"),
        redirects("http://[oh/"),
        redirects(""),
        redirects("//169.254.169.254/latest/meta-data/"),
    ],
)
def test_what_is_no_picture_is_not_passed_on(
    account: Account, host: PictureHost, behaviour: Behaviour
) -> None:
    task = succeeded(account, image_url=host.serve("/loop", behaviour))
    assert_refused(get(task["imageUrl"]), 502, "picture_unavailable")
    assert host.hits("/loop") <= 4


@pytest.mark.parametrize("body", [png(), PAGE])
def test_what_is_no_video_is_not_passed_on(
    account: Account, host: PictureHost, body: bytes
) -> None:
    address = host.serve("/a", gives(body, content_type="video/mp4"))
    task = succeeded(account, video_url=address)
    assert_refused(get(task["videoUrl"]), 502, "picture_unavailable")


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream", ""])
def test_a_picture_is_what_its_bytes_are(
    account: Account, host: PictureHost, content_type: str
) -> None:
    address = host.serve("/a", gives(png(), content_type=content_type))
    task = succeeded(account, image_url=address)
    assert get(task["imageUrl"]).headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:1/a.png", "http://[", "ftp://127.0.0.1/a", "/etc/passwd", "http://\u0130/"],
)
def test_an_address_that_leads_nowhere_is_a_502(account: Account, address: str) -> None:
    task = succeeded(account, image_url=address)
    assert_refused(get(task["imageUrl"]), 502, "picture_unavailable")


def test_a_redirect_of_the_picture_host_is_followed(account: Account, host: PictureHost) -> None:
    host.serve("/bucket/a.png", gives(png()))
    host.serve("/2", redirects("/bucket/a.png"))
    host.serve("/1", redirects(host.url + "/2"))
    task = succeeded(account, image_url=host.serve("/0", redirects("1")))
    assert get(task["imageUrl"]).content == png()
    host.serve("/0", redirects("/00"))
    host.serve("/00", redirects("/1"))
    assert_refused(get(task["imageUrl"]), 502, "picture_unavailable")


def test_the_body_of_a_redirect_is_not_read(account: Account, host: PictureHost) -> None:
    host.serve("/a.png", gives(png()))
    task = succeeded(account, image_url=host.serve("/0", redirects("/a.png", then=is_endless)))
    assert get(task["imageUrl"]).content == png()
    wait_until(lambda: host.ending("/0"), what="the end of the redirect")


def test_inner_addresses_are_closed(
    account: Account, host: PictureHost, inner_host: PictureHost
) -> None:
    secret = inner_host.serve("/secret.png", gives(png()))
    port = urlsplit(secret).port
    for address in (
        secret,
        host.serve("/redirect", redirects(secret)),
        f"http://[::ffff:{INNER}]:{port}/secret.png",
        f"http://2130706434:{port}/secret.png",
    ):
        task = succeeded(account, image_url=address)
        assert_refused(get(task["imageUrl"]), 502, "picture_unavailable")
    assert inner_host.hits("/secret.png") == 0


def test_a_channels_own_host_may_be_an_inner_one_unless_others_lead_there(
    account: Account, host: PictureHost, inner_host: PictureHost
) -> None:
    account.channel.base_url = inner_host.url
    picture = inner_host.serve("/a.png", gives(png()))
    links = [
        succeeded(account, image_url=url)["imageUrl"]
        for url in (
            picture,
            inner_host.serve("/moved", redirects("/a.png")),
            host.serve("/in", redirects(picture)),
            inner_host.serve("/out", redirects(host.url + "/in")),
        )
    ]
    account.channel.save(update_fields=["base_url"])
    assert [get(link).status_code for link in links] == [200, 200, 502, 502]


# -- size and time ---------------------------------------------------------------------------------


def peak_memory(stack: Stack) -> int:
    """The most bytes that any web process had at once."""
    first = stack.processes["web"].pid
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    status = [Path(f"/proc/{pid}/status").read_text() for pid in children]
    return 1024 * max(int(re.findall(r"VmHWM:\s+(\d+) kB", text)[0]) for text in status)


def size_until_it_breaks(answer: requests.Response) -> int:
    size = 0
    try:
        for chunk in answer.iter_content(65536):
            size += len(chunk)
    except requests.exceptions.ChunkedEncodingError:
        return size
    raise AssertionError(f"{size} bytes, and taken for whole")


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads Linux's /proc")
def test_an_endless_picture_is_cut_and_never_in_memory_as_a_whole(
    account: Account, host: PictureHost
) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", is_endless))
    get(account.stack.url + "/healthz")
    before = peak_memory(account.stack)
    with get(task["imageUrl"], stream=True) as answer:
        size = size_until_it_breaks(answer)
    assert 0.9 * MAX_BYTES < size <= MAX_BYTES
    ending = wait_until(lambda: host.ending("/a.png"), what="the end of the picture")
    assert ending[0] < MAX_BYTES + 16 * 1024 * 1024
    assert peak_memory(account.stack) - before < MAX_BYTES / 4


@pytest.mark.parametrize("behaviour", [trickles_its_head, trickles_a_chunk_size])
def test_an_answer_that_trickles_in_is_given_up(
    account: Account, host: PictureHost, behaviour: Behaviour
) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", behaviour))
    started = time.monotonic()
    assert_refused(get(task["imageUrl"]), 502, "picture_unavailable")
    assert TIMEOUT_SECONDS <= time.monotonic() - started < TIMEOUT_SECONDS + 10
    wait_until(lambda: host.ending("/a.png"), what="the end of the connection")


def test_a_handshake_that_trickles_in_is_given_up(account: Account) -> None:
    with trickling_handshake() as address:
        task = succeeded(account, image_url=address + "a.png")
        started = time.monotonic()
        assert_refused(get(task["imageUrl"]), 502, "picture_unavailable")
    # The stack's UPSTREAM_CONNECT_SECONDS.
    assert 1 <= time.monotonic() - started < TIMEOUT_SECONDS


@pytest.mark.parametrize("behaviour", [trickles, comes_in_pieces])
def test_a_picture_that_comes_too_slowly_is_cut_and_not_taken_for_whole(
    account: Account, host: PictureHost, behaviour: Behaviour
) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", behaviour))
    started = time.monotonic()
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(task["imageUrl"])
    assert TIMEOUT_SECONDS <= time.monotonic() - started < TIMEOUT_SECONDS + 10


def test_a_picture_that_breaks_off_is_not_taken_for_whole(
    account: Account, host: PictureHost
) -> None:
    behaviour = announces(200_000, and_sends=png(padding=100_000))
    task = succeeded(account, image_url=host.serve("/a.png", behaviour))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(task["imageUrl"])


def test_a_client_with_a_slow_line_gets_all_of_it(account: Account, host: PictureHost) -> None:
    body = png(padding=40_000_000)
    task = succeeded(account, image_url=host.serve("/a.png", gives(body)))
    with get(task["imageUrl"], stream=True) as answer:
        first = answer.raw.read(1000)
        time.sleep(TIMEOUT_SECONDS + 1)
        assert first + answer.raw.read() == body


def test_a_client_that_hangs_up_ends_the_download(account: Account, host: PictureHost) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", is_endless))
    with get(task["imageUrl"], stream=True) as answer:
        answer.raw.read(1000)
    sent, _ = wait_until(lambda: host.ending("/a.png"), what="the end of the download")
    assert sent < MAX_BYTES
