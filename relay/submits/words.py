"""The site's own list of banned words, asked before any money moves."""

import re
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from common import site
from relay.errors import BannedPrompt

# Digits and the letters of scripts that put spaces between words (Latin, Greek, Cyrillic). Python's
# own \b takes Chinese for letters too, and would let "一个nude女孩" pass.
_LETTER = r"[0-9A-Za-z\u00c0-\u052f]"


def check(prompt: str, *, generation: int | None = None) -> None:
    """Raises BannedPrompt with the first banned word in the prompt, in any case. `generation`: as
    for site.value."""
    more = site.value("banned_words", generation=generation)
    pattern = read(settings.BANNED_WORDS_FILE, more)
    if pattern and (match := pattern.search(prompt)):
        raise BannedPrompt(prompt=prompt, word=match.group())


@lru_cache(maxsize=1)
def read(file: str, more: str) -> re.Pattern[str] | None:
    """The words of a file and of a text: one word or phrase a line; `#` begins a comment. Chinese
    words stand within others. Raises OSError, UnicodeDecodeError for the file."""
    # Editors on Windows begin a file with a mark that is no part of its first word.
    text = Path(file).read_text(encoding="utf-8-sig") if file else ""
    lines = [*text.splitlines(), *more.splitlines()]
    words = (line.partition("#")[0].split() for line in lines)
    phrases = [_bounded(phrase) for phrase in words if phrase]
    return re.compile("|".join(phrases), re.IGNORECASE) if phrases else None


def _bounded(phrase: list[str]) -> str:
    """Whole words only, where the script has words; any space between the words of a phrase."""
    start = f"(?<!{_LETTER})" if re.match(_LETTER, phrase[0]) else ""
    end = f"(?!{_LETTER})" if re.match(_LETTER, phrase[-1][-1]) else ""
    return start + r"\s+".join(re.escape(word) for word in phrase) + end
