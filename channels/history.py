"""The history of a channel: what happened to it, when and why."""

from django.conf import settings

from channels.models import ChannelEvent
from common import sql

TEXT_MAX_CHARS = 500
# Of one channel, whatever happens to it.
EVENTS_MAX = 5000

_SWEEP = """
WITH bound AS MATERIALIZED (
    SELECT channel.id AS channel_id, (
        SELECT id FROM channels_channelevent newer WHERE newer.channel_id = channel.id
        ORDER BY id DESC OFFSET %(most)s LIMIT 1
    ) AS last_id
    FROM channels_channel channel
)
DELETE FROM channels_channelevent event USING bound
WHERE event.channel_id = bound.channel_id AND (
    event.created_at < now() - make_interval(days => %(days)s) OR event.id <= bound.last_id
)
"""


def tell(channel_id: int, kind: str, *, text: str = "", actor: str = "") -> None:
    """Writes an event. Without an actor it was the relay itself."""
    ChannelEvent.objects.create(channel_id=channel_id, kind=kind, text=fitting(text), actor=actor)


def fitting(text: str) -> str:
    """As much of a text as a column holds; PostgreSQL keeps no NUL."""
    return text.replace("\x00", "")[:TEXT_MAX_CHARS]


def sweep() -> int:
    """Drops what is old, and what is too much of one channel. Returns how many."""
    return sql.execute(_SWEEP, {"days": settings.CHANNEL_EVENT_DAYS, "most": EVENTS_MAX})
