"""The speed mode of a submit: decided once, from everything a client may say (tenant-api, 1)."""

import re
from typing import Any

MODES = ("fast", "relax", "turbo")

_MODELS = {f"mj-{mode}": mode for mode in MODES}
# A flag is a word of its own; Midjourney also takes the long dash that phones type.
_FLAG = re.compile(r"(?<!\S)(?:--|—)(fast|relax|turbo)(?!\S)", re.IGNORECASE)
_SPACES = re.compile(r"[ \t]{2,}")


def decide(
    *, path_mode: str, body: dict[str, Any], prompt: str, key_default: str, site_default: str
) -> str:
    """First match wins; words that are no mode count as not said."""
    for word in (
        path_mode,
        _MODELS.get(_word(body.get("model")), ""),
        _word(body.get("mode")),
        _word(_first_filter_mode(body)),
        _flagged(prompt),
        key_default,
    ):
        if word in MODES:
            return word
    return site_default


def without_flags(prompt: str) -> str:
    """The prompt without mode flags: a tenant cannot buy relax and get turbo."""
    if not _FLAG.search(prompt):
        return prompt
    return _SPACES.sub(" ", _FLAG.sub("", prompt)).strip()


def _flagged(prompt: str) -> str:
    match = _FLAG.search(prompt)
    return match.group(1).lower() if match else ""


def _first_filter_mode(body: dict[str, Any]) -> Any:
    """`accountFilter.modes`, or `modes` beside it, as some clients write."""
    filters = body.get("accountFilter")
    modes = (filters.get("modes") if isinstance(filters, dict) else None) or body.get("modes")
    return modes[0] if isinstance(modes, list) and modes else ""


def _word(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
