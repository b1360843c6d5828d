"""How long a task waits until it is looked at again."""

import time

from django.conf import settings

from common import sql
from relay.weeks import spans

# A task is looked at every tenth of the time that it has stood still; after hours of that, rarely.
IDLE_SHARE = 10
# Relaxed drawings wait for their turn.
RELAX_FACTOR = 2
STILL_AFTER_SECONDS = 2 * 3600
# Where looks come later than this, what stands still waits twice as long, and at less accordingly.
LATE_SECONDS = 5.0
# So many looks it takes until it is believed how late they come.
LATE_LOOKS = 10
# So long it is believed how many tasks there are.
CROWD_SECONDS = 30.0
_FOLLOWED = f"""
SELECT count(*) AS number FROM relay_task
WHERE next_poll_at IS NOT NULL AND {spans.within("id")}
"""  # noqa: S608  the parts are constants


def seconds(*, idle: float, mode: str, longest: float = 0) -> float:
    """Of a task that has not changed for `idle` seconds, however old it is. `longest`: what
    longest() says, where many are followed."""
    if idle >= STILL_AFTER_SECONDS:
        return float(settings.POLL_OLD_SECONDS)
    least = settings.POLL_MIN_SECONDS * (RELAX_FACTOR if mode == "relax" else 1)
    return float(min(max(idle / IDLE_SHARE, least), max(settings.POLL_MAX_SECONDS, longest)))


def longest(live: int, late: float = 0) -> float:
    """Of what stands still among so many: the more there are, and the later (in seconds) looks
    come, the longer, so that there is time left for those that move."""
    wanted = max(live / settings.POLL_LOOKS_PER_SECOND, settings.POLL_MAX_SECONDS)
    return float(min(wanted * (1 + min(late / LATE_SECONDS, 1)), settings.POLL_OLD_SECONDS))


class Lateness:
    """By how much looks come too late, in seconds, as it was with the last ones."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def note(self, seconds: float) -> None:
        self.seconds += (max(seconds, 0) - self.seconds) / LATE_LOOKS


class Crowd:
    """How many tasks are followed, as it was a moment ago."""

    def __init__(self) -> None:
        self._known: tuple[float, int] | None = None

    def number(self) -> int:
        now = time.monotonic()
        if self._known is None or now - self._known[0] > CROWD_SECONDS:
            row = sql.fetch_one(_FOLLOWED, spans.OPEN.span()._asdict())
            self._known = now, row.number
        return self._known[1]
