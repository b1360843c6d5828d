"""Cuts our secrets out of what upstreams say, before anything else sees it.

An upstream may echo what it was sent: in an error page, in a task object, in a field that the
tenant is shown. All of it comes through channels/http.py, and so through here.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

CUT = b"***"
# Shorter ones may be words that stand in every answer: those are cut where they stand alone, and
# are no name of a field.
LONG_CHARS = 8
BEARER = "Bearer "
# What new-api's keys begin with, and what it leaves out when it speaks of them.
PREFIX = "sk-"
# What .NET escapes in JSON, beyond what others do.
_DOTNET = "<>&'+`"


def clean(data: bytes, headers: Mapping[str, str]) -> bytes:
    """`data` without what was sent in `headers`: adapters put nothing but credentials there."""
    for value in set(headers.values()):
        data = without(data, value.removeprefix(BEARER))
    return data


def clean_text(text: str, headers: Mapping[str, str]) -> str:
    return clean(text.encode(), headers).decode()


def without(data: bytes, secret: str) -> bytes:
    """`data` with *** in the place of the secret, however it is escaped."""
    for form in _forms(secret):
        if form in data:
            data = _alone(form).sub(CUT, data) if _is_short(form) else data.replace(form, CUT)
    return data


@lru_cache(maxsize=256)
def _forms(secret: str) -> tuple[bytes, ...]:
    """As it is, as JSON, as .NET's JSON and as an address have it; the longest first."""
    bare = secret.removeprefix(PREFIX)
    texts = {secret, bare} if len(bare) >= LONG_CHARS else {secret}
    found = set()
    for text in texts:
        escaped = json.dumps(text)[1:-1]
        found |= {text, quote(text, safe=""), escaped, escaped.replace("/", "\\/")}
        found |= {_dotnet(escaped, "04X"), _dotnet(escaped, "04x")}
    return tuple(sorted((form.encode() for form in found if form), key=len, reverse=True))


def _dotnet(text: str, digits: str) -> str:
    return "".join(f"\\u{ord(sign):{digits}}" if sign in _DOTNET else sign for sign in text)


def _is_short(form: bytes) -> bool:
    return len(form) < LONG_CHARS


@lru_cache(maxsize=256)
def _alone(form: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?<![\w-])" + re.escape(form) + rb'(?![\w-])(?!"\s*:)')
