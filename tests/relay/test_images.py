"""What counts as a picture, and how long and how large one may be."""

import time

import pytest
from django.conf import LazySettings

from channels.models import Channel
from common import bounded
from relay import image_types, images
from relay.models import Task
from tests.listener import Listener, listening

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PNG + b"....", "image/png"),
        (b"\xff\xd8\xff\xe0........", "image/jpeg"),
        (b"\xff\xd8\xff\xdb........", "image/jpeg"),
        (b"GIF87a......", "image/gif"),
        (b"GIF89a......", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBP", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVE", None),
        (b"RIFF", None),
        (b"\x89PNG", None),
        (b"GIF88a......", None),
        (b"", None),
        (b"<svg xmlns=", None),
        (b"<!DOCTYPE ht", None),
        (b"%PDF-1.7....", None),
        (b"BM..........", None),
        (b" \x89PNG\r\n\x1a\n...", None),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(head: bytes, kind: str | None) -> None:
    assert image_types.sniff(head) == kind


def task_at(upstream: Listener) -> Task:
    """A finished task whose picture lies at the channel's own host."""
    channel = Channel(base_url=upstream.url)
    return Task(id=7, status="SUCCESS", channel=channel, image_url=f"{upstream.url}/1.png")


def test_a_picture_is_streamed_whole() -> None:
    body = PNG + bytes(300_000)
    with listening(body=body) as upstream:
        picture = images.fetch(task_at(upstream))
        assert picture.content_type == "image/png"
        assert b"".join(picture.chunks) == body


def test_a_picture_that_is_too_large_is_broken_off(settings: LazySettings) -> None:
    settings.PICTURE_MAX_BYTES = 100_000
    with listening(body=PNG + bytes(300_000)) as upstream:
        picture = images.fetch(task_at(upstream))
        with pytest.raises(bounded.TooMuch):
            b"".join(picture.chunks)


@pytest.mark.timeout(4)
@pytest.mark.parametrize(
    "head", [b"", PNG + bytes(70_000)], ids=["from the start", "in the middle"]
)
def test_a_picture_that_drips_is_broken_off(settings: LazySettings, head: bytes) -> None:
    """The time is for the whole picture, not for each byte of it."""
    settings.PICTURE_TIMEOUT_SECONDS = 0.5
    started = time.monotonic()
    with listening(body=head, drip_seconds=0.1) as upstream:
        with pytest.raises((images.PictureUnavailable, bounded.TooMuch)):
            b"".join(images.fetch(task_at(upstream)).chunks)
        assert time.monotonic() - started < 3


def test_an_upstream_that_is_gone_has_no_picture() -> None:
    with listening() as upstream:
        task = task_at(upstream)
    with pytest.raises(images.PictureUnavailable):
        images.fetch(task)


def test_a_link_changes_with_each_preview(settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://relay.example"
    first = images.link(Task(id=7, status="IN_PROGRESS", sequence=3))
    second = images.link(Task(id=7, status="IN_PROGRESS", sequence=4))
    final = images.link(Task(id=7, status="SUCCESS", sequence=5))
    assert len({first, second, final}) == 3
    assert final == images.link(Task(id=7, status="SUCCESS", sequence=6))
    assert final.startswith("https://relay.example/mj/image/7?sig=")
