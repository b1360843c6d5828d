"""Where work is done: the upstream endpoints."""

from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.vault import EncryptedTextField


def is_web_address(value: str) -> None:
    """Django's own validator refuses names without a dot, such as a container's. Raises
    ValidationError."""
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        # A password there would be shown, and never be sent.
        fits = fits and not parts.username and not parts.password
    except ValueError:
        fits = False
    if not fits or parts.query or parts.fragment:
        raise ValidationError("base_url must be an http or https address.")


class Channel(models.Model):
    """One upstream endpoint with its credentials and what it may be used for."""

    class Kind(models.TextChoices):
        MIDJOURNEY_PROXY = "midjourney_proxy", "midjourney-proxy 2.x"
        TRUEAI = "trueai", "trueai-org/midjourney-proxy"
        NEWAPI = "newapi", "new-api family, MJ Relay"

    class Breaker(models.TextChoices):
        CLOSED = "closed"
        # Too much went wrong: nothing goes there until `breaker_until`, then one task.
        OPEN = "open"
        # That one task is on its way (until `breaker_until`, in case it is never heard of).
        HALF_OPEN = "half_open"

    class State(models.TextChoices):
        ENABLED = "enabled"
        # No new work; polling and follow-ups of its tasks go on.
        DRAINING = "draining"
        DISABLED = "disabled"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=32, choices=Kind)
    base_url = models.CharField(
        max_length=500,
        validators=[is_web_address],
        help_text="Without the /mj part, e.g. https://upstream.example.",
    )
    state = models.CharField(max_length=8, choices=State, default=State.ENABLED)
    reason = models.CharField(
        max_length=500, blank=True, help_text="Why it is in this state, if that was not asked for."
    )
    # How much it may be given; more would be refused there, or get its accounts banned.
    concurrency = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tasks under way at once. Empty: no limit."
    )
    rpm = models.PositiveIntegerField(
        null=True, blank=True, help_text="Submits in any 60 seconds. Empty: no limit."
    )
    queue_depth = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tasks that wait to be begun there. Empty: no limit."
    )
    priority = models.IntegerField(default=0, help_text="The highest is asked first.")
    weight = models.IntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text="Share of the work among channels of equal priority.",
    )
    groups = ArrayField(
        models.CharField(max_length=64), default=list, blank=True, help_text="Empty: every group."
    )
    actions = ArrayField(
        models.CharField(max_length=16), default=list, blank=True, help_text="Empty: every action."
    )
    modes = ArrayField(
        models.CharField(max_length=8), default=list, blank=True, help_text="Empty: every mode."
    )
    pass_filters = models.BooleanField(
        default=False, help_text="Pass the tenant's accountFilter on (instance, remark, remix)."
    )
    is_test = models.BooleanField(
        default=False, help_text="Draws for test keys, and for them only."
    )
    # Written by channels/breaker.py only.
    breaker = models.CharField(max_length=9, choices=Breaker, default=Breaker.CLOSED)
    breaker_until = models.DateTimeField(null=True, blank=True)
    breaker_seconds = models.FloatField(default=0, help_text="How long it was opened for last.")
    breaker_since = models.DateTimeField(null=True, blank=True)
    incident_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when the breaker opens again and again."
    )
    # Full, or asked us to wait (channels/rests.py): no new work until then.
    rests_until = models.DateTimeField(null=True, blank=True)
    # Set while a free probe is under way (channels/probes.py); the only column whose changes make
    # nobody read the list anew.
    probing_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="breaker_has_its_time",
                condition=Q(breaker="closed", breaker_until__isnull=True)
                | (~Q(breaker="closed") & Q(breaker_until__isnull=False)),
            ),
            models.CheckConstraint(condition=Q(weight__gte=1), name="channel_weight_is_positive"),
            models.CheckConstraint(condition=~Q(base_url=""), name="channel_has_a_base_url"),
        ]

    def __str__(self) -> str:
        return self.name


class CostRule(models.Model):
    """What a channel takes: lines in the form of a price book's (billing/models/prices.py)."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="costs")
    name = models.CharField(max_length=64, help_text="The price name, e.g. mj_imagine or mj_*.")
    mode = models.CharField(max_length=8, blank=True, help_text="Empty: any mode.")
    amount = models.BigIntegerField(
        help_text="Micro-units: 1,000,000 = 1.00 of the site's currency."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint("channel", "name", "mode", name="cost_rule_is_unique"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="cost_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.mode or 'any mode'}"


class Credential(models.Model):
    """One secret of a channel. Whose drawing it was, its follow-ups go through the same one."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="credentials")
    name = models.CharField(max_length=100)
    secret = EncryptedTextField(blank=True, help_text="Never shown again. Empty: none is needed.")
    is_active = models.BooleanField(default=True)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it is not active.")
    # Set while it is off because the upstream has refused it: then it is tried by free probes.
    refused_at = models.DateTimeField(null=True, blank=True)
    rests_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("channel", "name", name="credential_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.channel}"


class ChannelEvent(models.Model):
    """What happened to a channel, when and why: the history that an operator asks for."""

    class Kind(models.TextChoices):
        MADE = "made"
        CHANGED = "changed"
        ENABLED = "enabled"
        DRAINING = "draining"
        DISABLED = "disabled"
        OPENED = "breaker_opened"
        HALF_OPENED = "breaker_half_opened"
        CLOSED = "breaker_closed"
        RESTS = "rests"
        CREDENTIAL_OFF = "credential_off"
        CREDENTIAL_ON = "credential_on"
        CREDENTIAL_MADE = "credential_made"
        CREDENTIAL_CHANGED = "credential_changed"
        CREDENTIAL_GONE = "credential_deleted"
        CREDENTIAL_WORKS = "credential_works"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=Kind)
    text = models.CharField(max_length=500, blank=True)
    actor = models.CharField(max_length=150, blank=True, help_text="Empty: the relay itself.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        # A channel's history, newest first.
        indexes = [models.Index(fields=["channel", "-id"], name="event_by_channel")]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel}"


class Probe(models.Model):
    """One free question to a channel: is it there, how quick is it, how much room has it."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="probes")
    is_ok = models.BooleanField()
    milliseconds = models.IntegerField()
    headroom = models.IntegerField(null=True, help_text="Tasks it could take; empty: not told.")
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        # A channel's latencies, newest first.
        indexes = [models.Index(fields=["channel", "-id"], name="probe_by_channel")]

    def __str__(self) -> str:
        return f"probe of {self.channel}"
