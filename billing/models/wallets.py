"""Wallets and the ledger. Written by billing/ledger.py only."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.prices import PriceRule
from billing.models.tenants import Tenant, Token
from billing.money import MICRO_HELP


class WalletQuerySet(models.QuerySet["Wallet"]):
    def live(self, tenant_id: int) -> "Wallet":
        """The tenant's real money."""
        return self.get(tenant_id=tenant_id, is_test=False)


class Wallet(models.Model):
    """A tenant's money. Test keys have a wallet of their own, whose money is worth nothing."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT)
    is_test = models.BooleanField(default=False)
    balance = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    held = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    open_holds = models.IntegerField(default=0, help_text="How many tasks are under way.")
    credit_limit = models.BigIntegerField(default=0, help_text=MICRO_HELP)

    objects = WalletQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("tenant", "is_test", name="wallet_is_unique"),
            models.CheckConstraint(condition=Q(held__gte=0), name="wallet_held_is_not_negative"),
            models.CheckConstraint(
                condition=Q(open_holds__gte=0), name="wallet_open_holds_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(balance__gte=F("held") - F("credit_limit")),
                name="wallet_is_not_overdrawn",
            ),
            models.CheckConstraint(
                condition=Q(credit_limit__gte=0), name="wallet_credit_limit_is_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{'test ' if self.is_test else ''}wallet of {self.tenant}"

    @property
    def available(self) -> int:
        return self.balance - self.held + self.credit_limit


class Entry(models.Model):
    """One line of the ledger: append-only, a trigger refuses UPDATE and DELETE.

    `reference` ties the lines of one matter together: for a drawing it is the task's id as text.
    What was bought (`price_name`, `mode`) is copied from the hold to its end and to refunds. Within
    one wallet the ids rise in the order in which the lines were committed.
    """

    class Kind(models.TextChoices):
        HOLD = "hold"
        CAPTURE = "capture"
        RELEASE = "release"
        REFUND = "refund"
        TOPUP = "topup"
        ADJUST = "adjust"

    ENDS_OF_A_HOLD = (Kind.CAPTURE, Kind.RELEASE)

    # Both are found through indexes below, so they need none of their own.
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    reference = models.CharField(max_length=64)
    # By its week the table is parted. It follows from kind and reference: the database's
    # `drawing_of()` (0018_weekly_parts), and a check.
    drawing = models.BigIntegerField(help_text="Its task's id; 0: of no drawing.")
    amount = models.BigIntegerField(help_text="Change of the balance. " + MICRO_HELP)
    held = models.BigIntegerField(help_text="Change of the held money. " + MICRO_HELP)
    balance_after = models.BigIntegerField(help_text=MICRO_HELP)
    held_after = models.BigIntegerField(help_text=MICRO_HELP)
    token = models.ForeignKey(Token, null=True, on_delete=models.PROTECT, db_index=False)
    price_rule = models.ForeignKey(PriceRule, null=True, on_delete=models.PROTECT)
    price_name = models.CharField(max_length=64, blank=True, db_default="")
    mode = models.CharField(max_length=8, blank=True, db_default="")
    # The channel that drew it, by its number: billing does not know channels. For captures, and
    # refunds of them.
    channel = models.BigIntegerField(null=True)
    cost = models.BigIntegerField(
        null=True, help_text="What the channel takes for it; empty: not known. " + MICRO_HELP
    )
    actor = models.CharField(max_length=150, blank=True)
    memo = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "reference",
                "kind",
                "drawing",
                # Of one capture several parts may be refunded; ledger.refund watches their sum.
                condition=~Q(kind="refund"),
                name="entry_happens_once",
            ),
            models.UniqueConstraint(
                "reference",
                "drawing",
                condition=Q(kind__in=["capture", "release"]),
                name="hold_ends_once",
            ),
            models.CheckConstraint(
                name="entry_moves_money_as_its_kind_says",
                condition=(
                    Q(kind="hold", amount=0, held__gte=0)
                    | Q(kind="capture", amount__lte=0, held__lte=F("amount"))
                    | Q(kind="release", amount=0, held__lte=0)
                    | Q(kind__in=["refund", "topup"], amount__gt=0, held=0)
                    | Q(kind="adjust", held=0)
                ),
            ),
        ]
        indexes = [
            # Statements, roll-ups and proofs walk one wallet in order.
            models.Index("wallet", "id", name="entry_by_wallet"),
            # Lists of what one key has paid.
            models.Index("token", "id", name="entry_by_key", condition=Q(token__isnull=False)),
            # ledger.refund: what has been refunded of a capture.
            models.Index("reference", name="entry_refund", condition=Q(kind="refund")),
            # Lists of what is rare among a wallet's drawings.
            models.Index(
                "wallet",
                "id",
                name="entry_rare_by_wallet",
                condition=Q(kind__in=["refund", "topup", "adjust"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
