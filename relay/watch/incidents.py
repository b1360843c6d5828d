"""What operators are told of channels without asking: once for each incident, not for each task.

A breaker that opens, closes and opens again is one incident, which is over when the breaker has
stayed closed for a whole window. All is in the channel's history as it happens.
"""

from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop as _

from billing.notices import PARAGRAPH, raise_notice
from channels import breaker, credentials
from channels.credentials import Consequence
from channels.selection import Upstream

OPENED, CLOSED, DISABLED = "channel.opened", "channel.closed", "channel.disabled"
CREDENTIAL_REFUSED = "channel.credential_refused"
# Of each the subject and what comes after the upstream's own words.
WORDS = {
    OPENED: (
        _("Channel %(channel)s is out of order"),
        _(
            "It gets no new work but one task now and then, to see whether it works again. You are "
            "told when it has been in order for %(seconds)s seconds."
        ),
    ),
    DISABLED: (
        _("Channel %(channel)s is disabled: its credential is refused"),
        _(
            "No other credential is left. What it draws is still followed; it gets work again when "
            "you give it a good credential and enable it."
        ),
    ),
    CREDENTIAL_REFUSED: (
        _("Channel %(channel)s refuses the credential %(credential)s"),
        _("The channel goes on with its other credentials."),
    ),
    CLOSED: (
        _("Channel %(channel)s works again"),
        _("It was out of order since %(since)s UTC."),
    ),
}


@transaction.atomic
def open_breaker(upstream: Upstream, *, why: str) -> bool:
    """False: somebody else has opened it."""
    if not breaker.open_(upstream.id, why=why):
        return False
    if breaker.begin_incident(upstream.id):
        seconds = f"{settings.BREAKER_WINDOW_SECONDS:.0f}"
        _tell(OPENED, upstream.id, upstream.name, why=why, more={"seconds": seconds})
    return True


@transaction.atomic
def refuse_credential(upstream: Upstream, *, why: str) -> None:
    more = {"credential": upstream.credential}
    match credentials.refused(upstream, why=why):
        case Consequence.CHANNEL_DISABLED:
            _tell(DISABLED, upstream.id, upstream.name, why=why, more=more)
        case Consequence.SWITCHED_OFF:
            _tell(CREDENTIAL_REFUSED, upstream.id, upstream.name, why=why, more=more)


@transaction.atomic
def close_quiet() -> int:
    """Ends the incidents that are over. Returns how many."""
    over = breaker.end_incidents()
    for incident in over:
        since = f"{incident.since:%Y-%m-%d %H:%M:%S}"
        _tell(CLOSED, incident.channel_id, incident.name, why="", more={"since": since})
    return len(over)


def _tell(kind: str, channel_id: int, name: str, *, why: str, more: Mapping[str, str]) -> None:
    subject, rest = WORDS[kind]
    raise_notice(
        tenant=None,
        kind=kind,
        subject=subject,
        text=PARAGRAPH.join(["%(why)s", rest] if why else [rest]),
        data={"channel": name, "channel_id": channel_id, "why": why},
        values={"channel": name, "why": why, **more},
    )
