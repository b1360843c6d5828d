"""What tenants and operators are told about without asking, and how it reaches them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.tenants import Tenant
from billing.money import MICRO_HELP


class LowBalance(models.Model):
    """A tenant's own threshold: told once each time the available money falls below it."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="thresholds")
    amount = models.BigIntegerField(help_text=MICRO_HELP)
    is_below = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("tenant", "amount", name="threshold_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} below {self.amount}"


class Notice(models.Model):
    """One thing worth telling: to a tenant, or without one to the operators."""

    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.PROTECT)
    kind = models.CharField(max_length=40, help_text="Dotted, e.g. balance.low.")
    subject = models.CharField(max_length=200)
    text = models.TextField()
    data = models.JSONField(default=dict)
    wording = models.JSONField(
        null=True, help_text="The texts before anything was filled in, and what that is."
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        # A tenant's notices, newest first.
        indexes = [models.Index(fields=["tenant", "-id"], name="notice_by_tenant")]

    def __str__(self) -> str:
        return self.subject


class Delivery(models.Model):
    """One way that a notice goes."""

    class Way(models.TextChoices):
        MAIL = "mail"
        HOOK = "hook"

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up"

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="deliveries")
    way = models.CharField(max_length=4, choices=Way)
    address = models.CharField(max_length=2000)
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    tries = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, db_default=Now())
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="pending_delivery_is_due",
                condition=Q(state="pending", due_at__isnull=False)
                | (~Q(state="pending") & Q(due_at__isnull=True)),
            ),
        ]
        # notices.claim: what is due.
        indexes = [models.Index("due_at", name="delivery_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.way} of {self.notice}"
