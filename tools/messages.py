"""Brings the translations up to date with the texts in the source.

    .venv/bin/python tools/messages.py

What is new stands in `locale/*/LC_MESSAGES/django.po` without a translation then, what is gone from
the source is left out. Comes without GNU gettext. `--check` writes nothing and ends with status 1
when something is missing (tests/test_translations.py).
"""

import os
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

_DECORATION = re.compile(rb'"(?:Project|Report|POT|PO|Last|Generated|Language-Team)[\w-]*: |#')
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import refusals  # noqa: E402

LOCALE = ROOT / "locale"
APPS = ("billing", "channels", "common", "console", "relay")
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# What the API refuses (console/refusals.py).
REFUSAL = "refusal"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
    django.setup()
    is_check = "--check" in sys.argv
    wanted = collect()
    missing = [text for path in files() for text in update(path, wanted, is_check=is_check)]
    for text in missing:
        print(f"no translation: {text!r}")
    if is_check and missing:
        sys.exit(1)


def files() -> list[Path]:
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def collect() -> Catalog:
    """Every text that people may see."""
    found = Catalog(charset="utf-8")
    for path in _sources():
        name = path.relative_to(ROOT).as_posix()
        for function, texts in _read(path):
            _add(found, name, function, texts)
    for text in _of_the_api():
        found.add(text)
    for text in refusals.read([path for path in _sources() if path.suffix == ".py"]):
        found.add(text, context=REFUSAL)
    return found


def update(path: Path, wanted: Catalog, *, is_check: bool) -> list[str]:
    """Writes the file anew with the wanted texts. Returns those without a translation."""
    with path.open("rb") as file:
        old = read_po(file, charset="utf-8")
    new = Catalog(locale=old.locale, charset="utf-8", fuzzy=False)
    new.mime_headers = _headers(old)
    for message in sorted(wanted, key=lambda one: (str(one.id), one.context or "")):
        if not message.id:
            continue
        known = old.get(_key(message.id), message.context)
        new.add(
            message.id,
            known.string if known else None,
            locations=message.locations,
            flags=message.flags,
            context=message.context,
        )
    if not is_check:
        text = BytesIO()
        write_po(text, new, width=100, omit_header=False, include_lineno=False)
        path.write_bytes(_stable(text.getvalue()))
    return [_key(one.id) for one in new if one.id and not _is_translated(one.string)]


def _sources() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path
    yield from sorted((ROOT / "templates").rglob("*.html"))
    yield from sorted((ROOT / "templates").rglob("*.txt"))


def _read(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(the function that marks it, its texts)"""
    text = path.read_text()
    if path.suffix != ".py":
        # What is left of the markup is no Python as far as its margins go.
        text = "\n".join(line.strip() for line in templatize(text, origin=str(path)).splitlines())
    # Babel's types say what another function of theirs gives.
    found: Any = extract_python(BytesIO(text.encode()), KEYWORDS, (), {})
    for _, function, texts, _ in found:
        yield function, [texts] if isinstance(texts, str) else list(texts or ())


def _add(catalog: Catalog, name: str, function: str, texts: list[str]) -> None:
    is_plural, has_context = "ngettext" in function.replace("npg", "ng"), "pgettext" in function
    context = texts.pop(0) if has_context else None
    # What is put together at run time is no text yet.
    wanted: tuple[Any, ...] = tuple(texts[: 2 if is_plural else 1])
    if wanted and all(isinstance(text, str) and text.strip() for text in wanted):
        told = wanted if is_plural else wanted[0]
        catalog.add(told, locations=[(name, 0)], context=context)


def _of_the_api() -> Iterator[str]:
    """The help texts of the fields that the management API takes."""
    from relay.api.v1.urls import urlpatterns

    for view in _views(urlpatterns):
        for method in ("get", "post", "put", "patch", "delete"):
            said = getattr(getattr(view, method, None), "operation", None)
            for kind in (said.body, said.query) if said else ():
                yield from _help(kind()) if kind else ()


def _views(patterns: Any) -> Iterator[Any]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _views(pattern.url_patterns)
        else:
            yield getattr(pattern.callback, "cls", None)


def _help(field: Any) -> Iterator[str]:
    if field.help_text:
        yield str(field.help_text)
    for inner in getattr(field, "fields", {}).values():
        yield from _help(inner)
    if child := getattr(field, "child", None):
        yield from _help(child)


def _headers(old: Catalog) -> list[tuple[str, str]]:
    kept = dict(old.mime_headers)
    return [(name, kept[name]) for name in ("Language", "Plural-Forms") if name in kept] + [
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "8bit"),
    ]


def _stable(text: bytes) -> bytes:
    """Of the header only what counts, and not the moment: two who write it have the same file."""
    head, _, rest = text.partition(b"\n\n")
    kept = [line for line in head.splitlines() if not _DECORATION.match(line)]
    return b"\n".join(kept) + b"\n\n" + rest


def _key(identity: object) -> str:
    return str(identity[0]) if isinstance(identity, tuple | list) else str(identity)


def _is_translated(string: object) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)


if __name__ == "__main__":
    main()
