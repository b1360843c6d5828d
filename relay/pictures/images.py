"""Results on the site's own domain: signed links, and the proxy behind them.

The upstream's address never shows. What is streamed is bounded in size and time
(relay/pictures/downloads.py), and must be a picture or a video by its bytes.
"""

import logging
import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from django.conf import settings

from relay import signing
from relay.models import TERMINAL, Task
from relay.pictures import downloads, image_types
from relay.shown import Shown

logger = logging.getLogger(__name__)

PICTURE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
VIDEO_TYPES = frozenset({"video/mp4", "video/webm"})
_PATH = re.compile(r"/mj/image/\d{1,19}\?[\w=&.~-]{1,200}", re.ASCII)


class PictureUnavailable(Exception):
    """The upstream's picture cannot be had, or is none."""


class Chunks(Protocol):
    """A file in pieces. Whoever gets one closes it."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


class Picture(NamedTuple):
    """An open picture or video. `size` in bytes, None when nobody said it."""

    content_type: str
    size: int | None
    chunks: Chunks


def link(task: Task | Shown) -> str:
    """The signed address of a task's picture. It changes with each preview, so none is cached."""
    address = f"{settings.PUBLIC_URL}/mj/image/{task.pk}?sig={signing.sign('image', task.pk)}"
    return address if task.status in TERMINAL else f"{address}&v={task.sequence}"


def nth_link(task: Task | Shown, number: int) -> str:
    """The same of one of several pictures, counted from 0."""
    return f"{link(task)}&n={number}"


def video_links(task: Task) -> list[str]:
    """Those of all of a task's videos."""
    number = len(task.video_urls or []) or (1 if task.video_url else 0)
    return [video_link(task, place) for place in range(number)]


def video_link(task: Task | Shown, number: int) -> str:
    """The signed address of one of a task's videos, counted from 0."""
    return f"{settings.PUBLIC_URL}/mj/video/{task.pk}/{number}?sig={signing.sign('video', task.pk)}"


def is_ours(address: str) -> bool:
    """Whether it is the address of a task's picture here, as `link` makes it."""
    path = address.removeprefix(settings.PUBLIC_URL)
    return path != address and _PATH.fullmatch(path) is not None


def fetch(task: Task, url: str, types: frozenset[str]) -> Picture:
    """Opens one of the task's results at the upstream. Raises PictureUnavailable, also when its
    bytes are none of `types`."""
    try:
        return _open(task, url, types)
    except downloads.DownloadFailed as error:
        logger.warning("task %s: %r cannot be had: %s", task.pk, url, error)
        raise PictureUnavailable(str(error)) from error


def _open(task: Task, url: str, types: frozenset[str]) -> Picture:
    download = downloads.open_url(url, home=task.channel.base_url)
    try:
        content_type = image_types.sniff(download.peek())
        if content_type is None or content_type not in types:
            raise downloads.DownloadFailed(f"its bytes are none of {', '.join(sorted(types))}")
    except downloads.DownloadFailed:
        download.close()
        raise
    return Picture(content_type, download.size, download)
