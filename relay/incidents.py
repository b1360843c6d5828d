"""What operators are told of channels without asking: once for each incident, not for each task.

A breaker that opens, closes and opens again is one incident, which is over when the breaker has
stayed closed for a whole window. All is in the channel's history as it happens.
"""

from django.conf import settings
from django.db import transaction

from billing.notices import raise_notice
from channels import breaker, credentials
from channels.credentials import Consequence
from channels.selection import Upstream

OPENED, CLOSED, DISABLED = "channel.opened", "channel.closed", "channel.disabled"
CREDENTIAL_REFUSED = "channel.credential_refused"


@transaction.atomic
def open_breaker(upstream: Upstream, *, why: str) -> bool:
    """False: somebody else has opened it."""
    if not breaker.open_(upstream.id, why=why):
        return False
    if breaker.begin_incident(upstream.id):
        _tell(
            OPENED,
            upstream.id,
            upstream.name,
            subject=f"Channel {upstream.name} is out of order",
            text=f"{why}\n\nIt gets no new work but one task now and then, to see whether it "
            "works again. You are told when it has been in order for "
            f"{settings.BREAKER_WINDOW_SECONDS:.0f} seconds.\n",
            why=why,
        )
    return True


@transaction.atomic
def refuse_credential(upstream: Upstream, *, why: str) -> None:
    match credentials.refused(upstream, why=why):
        case Consequence.CHANNEL_DISABLED:
            _tell(
                DISABLED,
                upstream.id,
                upstream.name,
                subject=f"Channel {upstream.name} is disabled: its credential is refused",
                text=f"{why}\n\nNo other credential is left. What it draws is still followed; it "
                "gets work again when you give it a good credential and enable it.\n",
                why=why,
            )
        case Consequence.SWITCHED_OFF:
            _tell(
                CREDENTIAL_REFUSED,
                upstream.id,
                upstream.name,
                subject=f"Channel {upstream.name} refuses the credential {upstream.credential}",
                text=f"{why}\n\nThe channel goes on with its other credentials.\n",
                why=why,
            )


@transaction.atomic
def close_quiet() -> int:
    """Ends the incidents that are over. Returns how many."""
    over = breaker.end_incidents()
    for incident in over:
        _tell(
            CLOSED,
            incident.channel_id,
            incident.name,
            subject=f"Channel {incident.name} works again",
            text=f"It was out of order since {incident.since:%Y-%m-%d %H:%M:%S} UTC.\n",
            why="",
        )
    return len(over)


def _tell(kind: str, channel_id: int, name: str, *, subject: str, text: str, why: str) -> None:
    raise_notice(
        tenant=None,
        kind=kind,
        subject=subject,
        text=text,
        data={"channel": name, "channel_id": channel_id, "why": why},
    )
