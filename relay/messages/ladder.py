"""When a message that has failed is tried again."""

import random

from django.conf import settings

# Seconds before each try, counted from the one before; as many tries as rungs (about 75 hours).
LADDER_SECONDS = (0, 5, 30, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
JITTER = 0.2
# No receiver makes us wait longer than so by its own word.
RETRY_AFTER_MAX_SECONDS = 86400


def next_wait(failed: int) -> float | None:
    """Seconds until the next try after `failed` ones, without jitter; None: give up."""
    rungs = settings.CALLBACK_LADDER_SECONDS or LADDER_SECONDS
    return rungs[failed] if failed < len(rungs) else None


def next_try(failed: int, *, retry_after: float | None = None) -> float | None:
    """Seconds until the next try after `failed` ones; None: give up. The receiver may ask for a
    longer wait than the ladder's, never for a shorter one."""
    wait = next_wait(failed)
    if wait is None:
        return None
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  spreads load, hides nothing
    return max(wait * jitter, bounded(retry_after))


def bounded(retry_after: float | None) -> float:
    """What a receiver asks for, as far as it is heard. Seconds."""
    return min(retry_after or 0, RETRY_AFTER_MAX_SECONDS)
