"""Results on the site's own domain: signed links, and the proxy behind them.

The upstream's address never shows. What is streamed is bounded in size and time, and must be a
picture by its bytes.
"""

import time
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from common import bounded, guard
from common.deadline import deadline
from relay import image_types, signing
from relay.models import TERMINAL, Task

PICTURE_PORTS = (80, 443)


class PictureUnavailable(Exception):
    """The upstream's picture cannot be had, or is none."""


class Picture(NamedTuple):
    content_type: str
    chunks: Iterator[bytes]


def link(task: Task) -> str:
    """The signed address of a task's picture. It changes with each preview, so none is cached."""
    address = f"{settings.PUBLIC_URL}/mj/image/{task.pk}?sig={signing.sign('image', task.pk)}"
    return address if task.status in TERMINAL else f"{address}&v={task.sequence}"


def fetch(task: Task) -> Picture:
    """Opens the task's picture at the upstream. Raises PictureUnavailable.

    While it is streamed, breaking off is the only way left to say that it is too much.
    """
    seconds = settings.PICTURE_TIMEOUT_SECONDS
    until = time.monotonic() + seconds
    try:
        with deadline(seconds):
            response = _session(task).get(task.image_url, timeout=seconds, stream=True)
            chunks = bounded.chunks(response.raw, max_bytes=settings.PICTURE_MAX_BYTES, until=until)
            head = _head(chunks)
    except (requests.RequestException, HTTPError, bounded.TooMuch, OSError, ValueError) as error:
        raise PictureUnavailable(f"{type(error).__name__}: {error}") from error
    content_type = image_types.sniff(head)
    if response.status_code != 200 or content_type is None:
        chunks.close()
        raise PictureUnavailable(f"HTTP {response.status_code}, or no picture")
    return Picture(content_type, chain([head], chunks))


def _head(chunks: Iterator[bytes]) -> bytes:
    """Enough of the beginning to see what it is."""
    head = b""
    while len(head) < image_types.SNIFF_BYTES and (chunk := next(chunks, b"")):
        head += chunk
    return head


def _session(task: Task) -> requests.Session:
    """The channel's own host may be an inner one, the operator typed it in; any other address in
    an upstream's answer must be a public one."""
    own_host = urlsplit(task.channel.base_url).hostname
    return _open_session() if urlsplit(task.image_url).hostname == own_host else _guarded_session()


@lru_cache(maxsize=1)
def _open_session() -> requests.Session:
    return guard.StayingSession()


@lru_cache(maxsize=1)
def _guarded_session() -> requests.Session:
    return guard.session(guard.Policy(ports=PICTURE_PORTS))
