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

from common import guard
from relay import image_types, signing
from relay.models import TERMINAL, Task

CHUNK_BYTES = 65536
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
    """Opens the task's picture at the upstream. Raises PictureUnavailable."""
    until = time.monotonic() + settings.PICTURE_TIMEOUT_SECONDS
    try:
        response = _session(task).get(
            task.image_url,
            timeout=settings.PICTURE_TIMEOUT_SECONDS,
            stream=True,
            allow_redirects=False,
        )
        if response.status_code != 200:
            response.close()
            raise PictureUnavailable(f"the upstream answered {response.status_code}")
        chunks = response.iter_content(CHUNK_BYTES)
        head = next(chunks, b"")
    except requests.RequestException as error:
        raise PictureUnavailable(str(error)) from error
    content_type = image_types.sniff(head)
    if content_type is None:
        response.close()
        raise PictureUnavailable("what the upstream serves is not a picture")
    return Picture(content_type, _bounded(response, head, chunks, until))


def _bounded(
    response: requests.Response, head: bytes, chunks: Iterator[bytes], until: float
) -> Iterator[bytes]:
    """The whole picture. Breaking off is the only way left to say that it is too much."""
    size = 0
    with response:
        for chunk in chain([head], chunks):
            size += len(chunk)
            if size > settings.PICTURE_MAX_BYTES or time.monotonic() > until:
                raise PictureUnavailable("the picture is too large or comes too slowly")
            yield chunk


def _session(task: Task) -> requests.Session:
    """The channel's own host may be an inner one, the operator typed it in; any other address in
    an upstream's answer must be a public one."""
    own_host = urlsplit(task.channel.base_url).hostname
    return _open_session() if urlsplit(task.image_url).hostname == own_host else _guarded_session()


@lru_cache(maxsize=1)
def _open_session() -> requests.Session:
    return requests.Session()


@lru_cache(maxsize=1)
def _guarded_session() -> requests.Session:
    return guard.session(guard.Policy(ports=PICTURE_PORTS))
