"""Reading the fields of a request body. Each raises InvalidRequest with the field's name."""

import base64
import binascii
import re
from collections.abc import Collection
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from rest_framework.request import Request

from channels.adapters.base import Image
from common import hosts
from relay.errors import InvalidRequest
from relay.pictures import image_types
from relay.pictures import images as pictures

Body = dict[str, Any]

IMAGES_MAX = 5
HOOK_MAX_CHARS = 2000
IDEMPOTENCY_KEY_MAX_CHARS = 255
STATE_MAX_CHARS = 10_000
FILTER_MAX_CHARS = 200
FILTERS = ("channelId", "instanceId", "remark", "remix", "nijiRemix", "remixAutoConsidered")
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


def idempotency_key(request: Request) -> str:
    """The `Idempotency-Key` header, empty when there is none. Raises InvalidRequest."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > IDEMPOTENCY_KEY_MAX_CHARS or not key.isprintable():
        raise InvalidRequest(
            f"Idempotency-Key must be at most {IDEMPOTENCY_KEY_MAX_CHARS} printable characters"
        )
    return key


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
    return web_address("notifyHook", value) if value else ""


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
    """The pictures of an imagine or blend: `base64Array`, or the older `base64` beside it."""
    listed = body.get("base64Array")
    if listed is None:
        listed = []
    if not isinstance(listed, list):
        raise InvalidRequest("base64Array must be a list")
    values = [value for value in [*listed, body.get("base64")] if value not in (None, "")]
    if len(values) > IMAGES_MAX:
        raise InvalidRequest(f"base64Array has more than {IMAGES_MAX} images")
    return tuple(_image("base64Array", value) for value in values)


def image(body: Body, *names: str) -> Image:
    """One picture, from the first of the fields `names` that has one; required."""
    for name in names:
        if body.get(name) not in (None, ""):
            return _image(name, body[name])
    raise InvalidRequest(f"{' or '.join(names)} is required")


def mask(body: Body) -> str:
    """The mask of an inpaint, as bare base64; empty when there is none."""
    value = body.get("maskBase64")
    if value in (None, ""):
        return ""
    found = _image("maskBase64", value)
    if found.url:
        raise InvalidRequest("maskBase64 must be the picture itself, not its address")
    return found.data


def choice(body: Body, name: str, choices: Collection[str], *, default: str = "") -> str:
    """One of a few words, in any case; `default` when absent, required without one."""
    value = text(body, name, max_chars=64).strip()
    for word in choices:
        if value.lower() == word.lower():
            return word
    if not value and default:
        return default
    raise InvalidRequest(f"{name} must be one of {', '.join(choices)}")


def number(body: Body, name: str, *, smallest: int, largest: int) -> int:
    """A whole number, also as a string of digits; required."""
    value = body.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= largest:
        raise InvalidRequest(f"{name} must be a number from {smallest} to {largest}")
    return value


def filters(body: Body, mode: str) -> dict[str, Any]:
    """`accountFilter` as upstreams know it, with the decided mode in place of the tenant's."""
    given = body.get("accountFilter")
    given = given if isinstance(given, dict) else {}
    found = {name: given[name] for name in FILTERS if isinstance(given.get(name), str | bool)}
    instance = body.get("instanceId")
    if isinstance(instance, str) and instance and "instanceId" not in found:
        found["instanceId"] = instance
    if isinstance(body.get("remix"), bool):
        found.setdefault("remix", body["remix"])
    too_long = [name for name, value in found.items() if len(str(value)) > FILTER_MAX_CHARS]
    if too_long:
        raise InvalidRequest(f"accountFilter.{too_long[0]} is too long")
    return found | {"modes": [mode.upper()]}


def _image(name: str, value: Any) -> Image:
    """`data:image/…;base64,…`, bare base64 or an http(s) address."""
    if not isinstance(value, str):
        raise InvalidRequest(
            f"{name} must be a string" if name != "base64Array" else "base64Array must hold strings"
        )
    if value[:8].lower().startswith(("http://", "https://")):
        return Image(url=_picture_address(name, value))
    data = _DATA_URL.sub("", value, count=1)
    if len(data) > settings.IMAGE_MAX_BYTES * 4 // 3 + 4:
        raise InvalidRequest(f"{name}: larger than {settings.IMAGE_MAX_BYTES // 2**20} MB")
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(f"{name} is neither base64 nor an http address") from error
    mime = image_types.sniff(raw[: image_types.SNIFF_BYTES])
    if mime is None or not mime.startswith("image/"):
        raise InvalidRequest(f"{name}: an image must be PNG, JPEG, GIF or WebP")
    return Image(mime=mime, data=data)


def web_address(name: str, value: str) -> str:
    """An http(s) address that a tenant gives, as text; who dials it judges where it leads."""
    value = value.strip()
    if not _is_web_address(value):
        raise InvalidRequest(f"{name} must be an http or https address")
    if len(value) > HOOK_MAX_CHARS:
        raise InvalidRequest(f"{name} is longer than {HOOK_MAX_CHARS} characters")
    return value


def _picture_address(name: str, value: str) -> str:
    """The upstream dials it, without a word from us: so no literal address of its own network. A
    picture of ours may lie in one: people describe and blend what they have drawn here."""
    value = web_address(name, value)
    if pictures.is_ours(value):
        return value
    if hosts.is_inner(urlsplit(value).hostname or "", allowed=settings.IMAGE_ALLOWED_NETWORKS):
        raise InvalidRequest(f"{name} must not lead to a private or inner address")
    return value


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
