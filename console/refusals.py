"""What the API refuses, in the language of the one who looks.

The API speaks English. Its texts stand in the translations under REFUSAL, with the places that it
fills in; here one that it has said is found again among them.
"""

import re
from functools import cache
from typing import Any

from babel.messages.mofile import read_mo
from django.conf import settings
from django.utils.translation import get_language, pgettext, to_locale

from console import words

# tools/messages.py puts them there.
REFUSAL = "refusal"
SOURCE_LANGUAGE = "en"
# No text of ours is longer; what is may hold half a request.
LENGTH_MAX = 1000
_PLACE = re.compile(r"%\((\w+)\)s")
_FIELD = re.compile(r"([a-z]\w*(?: and [a-z]\w*)?(?:\.[\w.]+)?): (.+)", re.DOTALL)


def said(text: str) -> str:
    """The same text; what has no translation stays as it is."""
    language = get_language() or SOURCE_LANGUAGE
    if language == SOURCE_LANGUAGE or len(text) > LENGTH_MAX:
        return text
    if found := _found(text, language):
        return found
    if match := _FIELD.fullmatch(text):
        told = {"field": words.NAMES.get(match[1], match[1]), "text": said(match[2])}
        return pgettext("refusal", "%(field)s: %(text)s") % told
    parts = text.split("; ")
    return pgettext("refusal", "; ").join(map(said, parts)) if len(parts) > 1 else text


def _found(text: str, language: str) -> str:
    whole = pgettext(REFUSAL, text.replace("%", "%%"))
    if whole != text.replace("%", "%%"):
        return whole.replace("%%", "%")
    for pattern, template in _templates(language):
        if match := pattern.fullmatch(text):
            filled = {name: _filled(value, language) for name, value in match.groupdict().items()}
            return pgettext(REFUSAL, template) % filled
    return ""


def _filled(value: str, language: str) -> str:
    """What of it is ours: a role, a right, "this key", "price book 3"."""
    known: Any = words.WORDS.get(value)
    return str(known) if known else _found(value, language) or value


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Those with places to fill in, the most exact first."""
    path = settings.LOCALE_PATHS[0] / to_locale(language) / "LC_MESSAGES" / "django.mo"
    with path.open("rb") as file:
        every: list[Any] = list(read_mo(file))
    # (Babel leaves contexts as bytes.)
    ours = [str(one.id) for one in every if one.context in (REFUSAL, REFUSAL.encode())]
    found = [text for text in ours if _PLACE.search(text) and not text.startswith("%(field)s: ")]
    return [(_pattern(text), text) for text in sorted(found, key=_exactness, reverse=True)]


def _exactness(template: str) -> int:
    return len(_PLACE.sub("", template))


def _pattern(template: str) -> re.Pattern[str]:
    pieces, names = _PLACE.split(template), set()
    made = ""
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            made += re.escape(piece.replace("%%", "%"))
        elif piece in names:
            made += f"(?P={piece})"
        else:
            names.add(piece)
            made += f"(?P<{piece}>.+?)"
    return re.compile(made, re.DOTALL)
