"""Pictures inside a request: the "data:" addresses that midjourney-proxy 2.6 takes."""

import base64
import re

MEDIA_TYPE = re.compile(r"[a-z\-0-9]+/[a-z\-0-9]+")
SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


class NotADataUrl(ValueError):
    """The text is none, or what it holds cannot be decoded."""


def file_suffix(text: str) -> str:
    """Check the data URL and answer the suffix that its file gets.

    midjourney-proxy 2.6: must begin with "data:", the media type is lower case without "+" or ".",
    web addresses are not taken, an unknown type makes a file called "<id>.null". A text without a
    comma makes its library stumble; that is the IndexError here.
    """
    if not text.startswith("data:"):
        raise NotADataUrl("does not begin with data:")
    comma = text.find(",")
    if comma < 0:
        raise IndexError("no comma")
    media_type, *parameters = text[len("data:") : comma].split(";")
    if not MEDIA_TYPE.fullmatch(media_type):
        raise NotADataUrl(f"media type {media_type!r}")
    if parameters and "=" not in parameters[-1]:
        _check_encoding(parameters[-1], text[comma + 1 :])
    return SUFFIXES.get(media_type, "null")


def _check_encoding(encoding: str, data: str) -> None:
    if encoding != "base64":
        raise NotADataUrl(f"encoding {encoding!r}")
    try:
        base64.b64decode(data + "=" * (-len(data) % 4), validate=True)
    except ValueError as error:
        raise NotADataUrl("not base64") from error
