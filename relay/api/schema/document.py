"""The finished document. Nothing of this is loaded before somebody asks for it."""

# mypy: allow-untyped-calls

from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings

from relay.api.schema.generator import Generator
from relay.api.schema.texts import translate


@lru_cache(maxsize=1)
def skeleton() -> dict[str, Any]:
    """The document with the keys of texts in place of the texts."""
    return Generator(urlconf="relay.api.urls").get_schema()


def document(language: str, default_mode: str = "") -> dict[str, Any]:
    """OpenAPI 3.1, in one of docs.LANGUAGES. `default_mode`: see texts.load."""
    translated: dict[str, Any] = translate(skeleton(), language, default_mode)
    server = {"url": settings.PUBLIC_URL}
    return translated | {"servers": [server]}


@lru_cache
def as_json(language: str, default_mode: str = "") -> bytes:
    """The same as it is answered. Made once per process, language and mode: it takes about
    0.2 s."""
    return orjson.dumps(document(language, default_mode))
