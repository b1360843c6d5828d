"""Pictures inside a request, as trueai takes them: far less strict than midjourney-proxy 2.6."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .data_urls import SUFFIXES
from .parts import Parts
from .pictures import Sketch
from .refused import Refused
from .trueai_switches import TrueAiSwitches

VALIDATION_ERROR = 4
FAILURE = 9

LINK = re.compile(r"https?://.+", re.IGNORECASE)
DATA_URL = re.compile(r"data:(?P<type>[^;,]*);base64,(?P<data>.*)", re.DOTALL)
RAW_IS_TAKEN_FOR = "image/png"


@dataclass(frozen=True, slots=True)
class Upload:
    """`url` is the caller's own address, "" for a picture that came as base64."""

    url: str
    suffix: str


def parse_all(texts: Sequence[str | None]) -> list[Upload]:
    """Blank ones are skipped. Raises Refused."""
    return [parse(text) for text in texts if text and text.strip()]


def parse(text: str) -> Upload:
    """trueai 8.6.10 and later: an address, a data URL, or else the whole text is raw base64.

    Raises Refused.
    """
    if text.startswith("http"):
        return Upload(url=text, suffix="png")
    found = DATA_URL.search(text)
    media_type, data = (found["type"], found["data"]) if found else (RAW_IS_TAKEN_FOR, text)
    try:
        base64.b64decode(data, validate=True)
    except ValueError as error:
        raise Refused(VALIDATION_ERROR, "base64格式错误") from error
    return Upload(url="", suffix=SUFFIXES.get(media_type, "png"))


class Storage:
    """Where trueai copies uploaded pictures to, before it answers the submit."""

    def __init__(self, parts: Parts, switches: TrueAiSwitches) -> None:
        self._gallery = parts.gallery
        self._switches = switches

    def links(self, uploads: Sequence[Upload], *, name: str, takes_urls: bool) -> list[str]:
        """An address for each picture. Raises Refused.

        trueai 11.10: with storage NONE every upload is code 9; a Discord account cannot use an
        address that the caller gives with an imagine.
        """
        if uploads and "storage" in self._switches.off:
            raise Refused(FAILURE, "上传图片到云存储异常")
        if not takes_urls and any(upload.url for upload in uploads):
            raise Refused(FAILURE, "上传失败，未返回有效链接")
        return [
            upload.url or self._store(f"{name}-up{number}")
            for number, upload in enumerate(uploads, start=1)
        ]

    def check_allowed(self) -> None:
        """Raises Refused where users may not upload."""
        if "uploads" in self._switches.off:
            raise Refused(VALIDATION_ERROR, "禁止上传")

    def _store(self, name: str) -> str:
        self._gallery.keep(name, Sketch(text="an uploaded picture", seed=name))
        return self._gallery.link(name)
