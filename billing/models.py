"""Who pays: tenants, their keys, their wallet, the ledger and the prices."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from common.vault import EncryptedTextField

MICRO_HELP = "Micro-units: 1,000,000 = 1.00 of the site's currency."


class Group(models.Model):
    """A class of tenants: a price ratio and, by name, the channels it may use."""

    name = models.CharField(max_length=64, unique=True)
    ratio = models.DecimalField(max_digits=9, decimal_places=4, default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ratio__gte=0), name="group_ratio_is_not_negative")
        ]

    def __str__(self) -> str:
        return self.name


class Tenant(models.Model):
    """A customer organisation."""

    name = models.CharField(max_length=100, unique=True)
    group = models.ForeignKey(Group, on_delete=models.PROTECT)
    is_active = models.BooleanField(default=True)
    default_hook = models.URLField(max_length=2000, blank=True)
    # Standard Webhooks: `whsec_` and the base64 of 32 random bytes.
    webhook_secret = EncryptedTextField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class Token(models.Model):
    """An API key of a tenant. The key itself is shown once; only its HMAC is kept."""

    class ImageSetting(models.TextChoices):
        PROXY = "proxy"
        ORIGIN = "origin"

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, help_text="The start of the key, to recognise it by.")
    digest = models.BinaryField(max_length=32, unique=True)
    is_active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    image_setting = models.CharField(max_length=8, choices=ImageSetting, default=ImageSetting.PROXY)
    default_mode = models.CharField(max_length=8, blank=True, help_text="Empty: the site's.")
    budget = models.BigIntegerField(
        null=True, blank=True, help_text="Empty: no limit. " + MICRO_HELP
    )
    # These two change in the same statement as the wallet, on the way back too.
    held = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    spent = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(held__gte=0), name="token_held_is_not_negative"),
            models.CheckConstraint(condition=Q(spent__gte=0), name="token_spent_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Wallet(models.Model):
    """A tenant's money. Written by billing/ledger.py only."""

    tenant = models.OneToOneField(Tenant, on_delete=models.PROTECT, primary_key=True)
    balance = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    held = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    credit_limit = models.BigIntegerField(default=0, help_text=MICRO_HELP)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(held__gte=0), name="wallet_held_is_not_negative"),
            models.CheckConstraint(
                condition=Q(balance__gte=F("held") - F("credit_limit")),
                name="wallet_is_not_overdrawn",
            ),
            models.CheckConstraint(
                condition=Q(credit_limit__gte=0), name="wallet_credit_limit_is_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"wallet of {self.tenant}"


class PriceBook(models.Model):
    """A published, immutable version of all prices. The newest one is in force."""

    published_at = models.DateTimeField(db_default=Now())
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT
    )
    memo = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"price book {self.pk}"


class PriceRule(models.Model):
    """One line of a price book."""

    book = models.ForeignKey(PriceBook, on_delete=models.PROTECT, related_name="rules")
    name = models.CharField(max_length=64, help_text="The price name, e.g. mj_imagine.")
    mode = models.CharField(max_length=8, blank=True, help_text="Empty: any mode.")
    amount = models.BigIntegerField(help_text=MICRO_HELP)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "book", "name", "mode", name="price_rule_is_unique_in_its_book"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="price_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.mode or 'any mode'}"


class Entry(models.Model):
    """One line of the ledger: append-only, a trigger refuses UPDATE and DELETE.

    `reference` ties the lines of one matter together: for a drawing it is the task's id as text.
    """

    class Kind(models.TextChoices):
        HOLD = "hold"
        CAPTURE = "capture"
        RELEASE = "release"
        REFUND = "refund"
        TOPUP = "topup"
        ADJUST = "adjust"

    ENDS_OF_A_HOLD = (Kind.CAPTURE, Kind.RELEASE)

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT)
    kind = models.CharField(max_length=8, choices=Kind)
    reference = models.CharField(max_length=64)
    amount = models.BigIntegerField(help_text="Change of the balance. " + MICRO_HELP)
    held = models.BigIntegerField(help_text="Change of the held money. " + MICRO_HELP)
    balance_after = models.BigIntegerField(help_text=MICRO_HELP)
    held_after = models.BigIntegerField(help_text=MICRO_HELP)
    token = models.ForeignKey(Token, null=True, on_delete=models.PROTECT)
    price_rule = models.ForeignKey(PriceRule, null=True, on_delete=models.PROTECT)
    actor = models.CharField(max_length=150, blank=True)
    memo = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("reference", "kind", name="entry_happens_once"),
            models.UniqueConstraint(
                "reference",
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
        # Statements and proofs walk one wallet in order.
        indexes = [models.Index("wallet", "id", name="entry_by_wallet")]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
