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
    secret = EncryptedTextField(blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.ENABLED)
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
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
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
