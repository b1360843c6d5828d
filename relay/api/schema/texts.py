"""The texts of the schema and of its page: one file per language."""

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from string import Template
from typing import Any

from django.conf import settings

from relay.api.urls import MJ_PREFIXES

FOLDER = Path(__file__).parent / "texts"
# A value of the schema that begins with this is the key of a text.
MARK = "@"
MEBIBYTE = 2**20
# Markdown makes a space of a line break; Chinese has no spaces.
_CHINESE = r"[\u3000-\u9fff\uff00-\uffef]"
_CHINESE_BREAK = re.compile(rf"(?<={_CHINESE})\n(?={_CHINESE})")


def translate(node: Any, language: str, default_mode: str = "") -> Any:
    """The same document with texts in place of their keys. Raises KeyError for an unknown key."""
    return _translate(node, load(language, default_mode))


def section(name: str, language: str) -> dict[str, str]:
    """The texts of one table, by their short keys."""
    start = f"{name}."
    return {
        key.removeprefix(start): text
        for key, text in load(language).items()
        if key.startswith(start)
    }


@lru_cache
def load(language: str, default_mode: str = "") -> dict[str, str]:
    """All texts of a language, of docs.LANGUAGES, by their dotted keys. `default_mode`: what they
    say that the site's is, as an operator may have changed it; empty: the environment's."""
    file = FOLDER / f"{language}.toml"
    found: dict[str, str] = {}
    _flatten(tomllib.loads(file.read_text(encoding="utf-8")), "", found)
    values = _values() | ({"default_mode": default_mode} if default_mode else {})
    return {key: _fill(text, values) for key, text in found.items()}


def _fill(text: str, values: dict[str, str]) -> str:
    return _CHINESE_BREAK.sub("", Template(text).substitute(values).strip())


def _translate(node: Any, texts: dict[str, str]) -> Any:
    if isinstance(node, str) and node.startswith(MARK):
        return texts[node.removeprefix(MARK)]
    if isinstance(node, list):
        return [_translate(item, texts) for item in node]
    if isinstance(node, dict):
        return {key: _translate(item, texts) for key, item in node.items()}
    return node


def _flatten(table: dict[str, Any], prefix: str, found: dict[str, str]) -> None:
    for key, value in table.items():
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{key}.", found)
        else:
            found[prefix + key] = value


def _values() -> dict[str, str]:
    """What texts may mention of this site's settings."""
    return {
        "body_mb": str(settings.BODY_MAX_BYTES // MEBIBYTE),
        "default_mode": settings.DEFAULT_MODE,
        "image_mb": str(settings.IMAGE_MAX_BYTES // MEBIBYTE),
        "modal_minutes": f"{settings.MODAL_EXPIRY_SECONDS / 60:.0f}",
        "prefixes": _prefixes(),
        "prompt_max": str(settings.PROMPT_MAX_CHARS),
    }


def _prefixes() -> str:
    """A list in Markdown, one line for each mode."""
    by_mode: dict[str, list[str]] = {}
    for prefix, mode in MJ_PREFIXES.items():
        by_mode.setdefault(mode, []).append(f"`/{prefix}/…`")
    return "\n".join(
        f"- {', '.join(prefixes)}" + (f": `{mode}`" if mode else "")
        for mode, prefixes in by_mode.items()
    )
