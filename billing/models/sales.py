"""How money comes in: redemption codes and on-line top-ups."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.tenants import Tenant
from billing.money import MICRO_HELP


class CodeBatch(models.Model):
    """Redemption codes that were made together."""

    name = models.CharField(max_length=100)
    amount = models.BigIntegerField(help_text="What each code is worth. " + MICRO_HELP)
    expires_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="code_amount_is_positive"),
        ]

    def __str__(self) -> str:
        return self.name


class RedemptionCode(models.Model):
    """Good for one top-up. The code is shown once; only its HMAC is kept."""

    batch = models.ForeignKey(CodeBatch, on_delete=models.PROTECT, related_name="codes")
    prefix = models.CharField(max_length=8, help_text="Its start, to recognise it by.")
    digest = models.BinaryField(max_length=32, unique=True)
    is_active = models.BooleanField(default=True)
    redeemed_by = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.PROTECT)
    redeemed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="redeemed_code_has_a_tenant",
                condition=Q(redeemed_by__isnull=True, redeemed_at__isnull=True)
                | Q(redeemed_by__isnull=False, redeemed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"code {self.prefix}…"


class TopUp(models.Model):
    """An order of balance that a tenant pays at a payment provider."""

    class State(models.TextChoices):
        PENDING = "pending"
        PAID = "paid"
        # Paid, but not what was ordered: an operator decides.
        DISPUTED = "disputed"
        EXPIRED = "expired"

    number = models.CharField(max_length=32, unique=True, help_text="The order number.")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT)
    provider = models.CharField(max_length=16)
    amount = models.BigIntegerField(help_text="What is credited. " + MICRO_HELP)
    pay_amount = models.BigIntegerField(help_text="What is to be paid, in the currency's cents.")
    pay_currency = models.CharField(max_length=3)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    provider_reference = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, pay_amount__gt=0), name="top_up_is_positive"
            ),
            models.CheckConstraint(
                name="paid_top_up_has_its_time",
                condition=~Q(state="paid") | Q(paid_at__isnull=False),
            ),
        ]
        indexes = [
            # A tenant's orders, newest first.
            models.Index(fields=["tenant", "-id"], name="top_up_by_tenant"),
            # topups.expire: what nobody has paid.
            models.Index("created_at", name="top_up_pending", condition=Q(state="pending")),
        ]

    def __str__(self) -> str:
        return f"order {self.number}"
