"""How long a task may take before the upstream's "not finished" ends it."""

from django.conf import settings

from relay import actions
from relay.submits.modes import MODES

LONGEST_SECONDS = 365 * 86_400


def seconds(action: str, mode: str) -> float:
    """TASK_DEADLINES by "ACTION/mode", "ACTION" or "mode", whichever fits best; else
    TASK_DEADLINE_SECONDS."""
    known = settings.TASK_DEADLINES
    for name in (f"{action}/{mode}", action, mode):
        if name in known:
            return float(known[name])
    return float(settings.TASK_DEADLINE_SECONDS)


def wrong(known: object) -> list[str]:
    """What cannot be right about a TASK_DEADLINES, in words."""
    if not isinstance(known, dict):
        return ['it must be a JSON object such as {"VIDEO": 7200, "IMAGINE/relax": 10800}']
    names = {action.name for action in actions.ALL}
    names |= {f"{name}/{mode}" for name in names for mode in MODES} | set(MODES)
    words = [f"{name} is no action or mode" for name in known if name not in names]
    for name, value in known.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # Not a number is not between two of them either.
        if not (is_number and 0 < value <= LONGEST_SECONDS):
            words.append(f"{name}: {value!r} is not a number of seconds")
    return words
