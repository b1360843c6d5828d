"""Reading the fields of a request body. Each raises InvalidRequest with the field's name."""

import base64
import binascii
import re
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from rest_framework.request import Request

from channels.adapters.base import Image
from relay import image_types
from relay.errors import InvalidRequest

Body = dict[str, Any]

IMAGES_MAX = 5
HOOK_MAX_CHARS = 2000
STATE_MAX_CHARS = 10_000
BOT_TYPES = {
    "": "MID_JOURNEY",
    "MID_JOURNEY": "MID_JOURNEY",
    "mj": "MID_JOURNEY",
    "NIJI_JOURNEY": "NIJI_JOURNEY",
    "niji": "NIJI_JOURNEY",
}
_DATA_URL = re.compile(r"^data:[^;,]*(?:;[^;,]*)*;base64,", re.IGNORECASE)


def body_of(request: Request) -> Body:
    """The JSON object that came (relay/api/parsers.py)."""
    return cast("Body", request.data)


def text(body: Body, name: str, *, max_chars: int) -> str:
    """A string field; absent or null is the empty text."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a string")
    if len(value) > max_chars:
        raise InvalidRequest(f"{name} is longer than {max_chars} characters")
    if "\x00" in value:
        raise InvalidRequest(f"{name} contains a NUL character")
    return value


def prompt(body: Body) -> str:
    """The prompt, required."""
    value = text(body, "prompt", max_chars=settings.PROMPT_MAX_CHARS).strip()
    if not value:
        raise InvalidRequest("prompt is required")
    return value


def bot_type(body: Body) -> str:
    value = text(body, "botType", max_chars=20)
    if value not in BOT_TYPES:
        raise InvalidRequest("botType must be MID_JOURNEY or NIJI_JOURNEY")
    return BOT_TYPES[value]


def state(body: Body) -> str:
    return text(body, "state", max_chars=STATE_MAX_CHARS)


def notify_hook(body: Body) -> str:
    """The tenant's callback address. Whether it may be called is judged when it is dialled."""
    name = "notifyhook" if body.get("notifyHook") in (None, "") else "notifyHook"
    value = text(body, name, max_chars=HOOK_MAX_CHARS).strip()
    if value and not _is_web_address(value):
        raise InvalidRequest("notifyHook must be an http or https address")
    return value


def _is_web_address(value: str) -> bool:
    if not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return has_host and parts.scheme in ("http", "https") and parts.username is None


def images(body: Body) -> tuple[Image, ...]:
    """The pictures of an imagine: `base64Array`, or the older `base64` beside it."""
    listed = body.get("base64Array")
    if listed is None:
        listed = []
    if not isinstance(listed, list):
        raise InvalidRequest("base64Array must be a list")
    single = body.get("base64")
    values = [value for value in [*listed, single] if value not in (None, "")]
    if len(values) > IMAGES_MAX:
        raise InvalidRequest(f"base64Array has more than {IMAGES_MAX} images")
    return tuple(_image(value) for value in values)


def _image(value: Any) -> Image:
    if not isinstance(value, str):
        raise InvalidRequest("base64Array must hold strings")
    data = _DATA_URL.sub("", value, count=1)
    if len(data) > settings.IMAGE_MAX_BYTES * 4 // 3 + 4:
        raise InvalidRequest(f"an image is larger than {settings.IMAGE_MAX_BYTES // 2**20} MB")
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("base64Array holds something that is not base64") from error
    mime = image_types.sniff(raw[: image_types.SNIFF_BYTES])
    if mime is None:
        raise InvalidRequest("an image must be PNG, JPEG, GIF or WebP")
    return Image(mime=mime, data=data)


def task_ids(body: Body, *, at_most: int) -> list[int]:
    """`ids` of a list query, strings or numbers; what cannot be an id of ours is left out."""
    ids = body.get("ids")
    if ids is None:
        return []
    if not isinstance(ids, list):
        raise InvalidRequest("ids must be a list")
    if len(ids) > at_most:
        raise InvalidRequest(f"ids has more than {at_most} entries")
    return [number for value in ids if (number := task_id(value)) is not None]


def task_id(value: Any) -> int | None:
    """A task id as an integer, None for what cannot be one. Booleans are no numbers here."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
        return value
    return None
