"""A new channel like one that there is."""

from django.db import transaction

from channels import credentials
from channels.history import tell
from channels.models import Channel, ChannelEvent, CostRule, Credential

# What is the channel's own, and not how it is set up.
_FIELDS = (
    "kind",
    "base_url",
    "concurrency",
    "rpm",
    "queue_depth",
    "priority",
    "weight",
    "groups",
    "actions",
    "modes",
    "pass_filters",
    "is_test",
)


@transaction.atomic
def clone(channel: Channel, *, name: str, actor: str) -> Channel:
    """Disabled, with the same fields and costs, and without any credential. Raises IntegrityError
    for a name that is taken."""
    fields = {field: getattr(channel, field) for field in _FIELDS}
    reason = f"a copy of {channel.name}, not enabled yet"
    made = Channel.objects.create(name=name, state=Channel.State.DISABLED, reason=reason, **fields)
    CostRule.objects.bulk_create(
        CostRule(channel=made, name=rule.name, mode=rule.mode, amount=rule.amount)
        for rule in channel.costs.order_by("pk")
    )
    tell(made.pk, ChannelEvent.Kind.MADE, text=f"a copy of {channel.name}", actor=actor)
    return made


@transaction.atomic
def copy_credentials(channel: Channel, *, to: Channel, actor: str) -> None:
    """Their secrets too; one that is switched off is so there."""
    for row in channel.credentials.order_by("pk"):
        made = credentials.add(to, name=row.name, secret=row.secret, actor=actor)
        if not row.is_active:
            Credential.objects.filter(pk=made.pk).update(is_active=False, reason=row.reason)
