"""The roll-ups of the ledger: what lists, reports and figures add up instead of single entries."""

from django.db import models

from billing.models.tenants import Token
from billing.models.wallets import Entry, Wallet
from billing.money import MICRO_HELP


class UsageDay(models.Model):
    """The entries of one wallet, day (UTC), kind, key, price name, mode and channel, added up."""

    # Found through `usage_day_is_unique`, so it needs no index of its own.
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_index=False)
    day = models.DateField()
    kind = models.CharField(max_length=8, choices=Entry.Kind)
    token = models.ForeignKey(Token, null=True, on_delete=models.PROTECT)
    price_name = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=8, blank=True)
    channel = models.BigIntegerField(null=True)
    number = models.IntegerField(help_text="How many entries.")
    amount = models.BigIntegerField(help_text="Their amounts. " + MICRO_HELP)
    held = models.BigIntegerField(help_text="Their held money. " + MICRO_HELP)
    cost = models.BigIntegerField(help_text="Their costs, as far as known. " + MICRO_HELP)
    cost_unknown = models.IntegerField(help_text="How many captures have no known cost.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["wallet", "day", "kind", "token", "price_name", "mode", "channel"],
                nulls_distinct=False,
                name="usage_day_is_unique",
            ),
        ]
        # Reports over all wallets.
        indexes = [models.Index("day", name="usage_by_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.price_name} {self.mode}"


class Outcomes(models.Model):
    """What the entries of some time tell about drawings and money. A drawing that waits for its
    confirmation has neither succeeded nor failed."""

    submits = models.IntegerField(help_text="How many drawings were begun.")
    successes = models.IntegerField(help_text="How many were paid.")
    failures = models.IntegerField(help_text="How many came to nothing, and were free.")
    revenue = models.BigIntegerField(help_text="What was paid. " + MICRO_HELP)
    refunds = models.IntegerField(help_text="How many payments were given back, or parts of them.")
    refunded = models.BigIntegerField(help_text=MICRO_HELP)
    cost = models.BigIntegerField(help_text="What channels take, as far as known. " + MICRO_HELP)
    cost_unknown = models.IntegerField(help_text="How many captures have no known cost.")

    class Meta:
        abstract = True


class UsageHour(Outcomes):
    """By wallet, hour, price name and mode; kept for a few days only (billing/usage.py)."""

    # Found through `usage_hour_is_unique`, so it needs no index of its own.
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_index=False)
    hour = models.DateTimeField(help_text="When it began (UTC).")
    price_name = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=8, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "wallet", "hour", "price_name", "mode", name="usage_hour_is_unique"
            ),
        ]
        # Figures over all wallets, and what is too old.
        indexes = [models.Index("hour", name="usage_by_hour")]

    def __str__(self) -> str:
        return f"{self.hour} {self.price_name} {self.mode}"


class UsageTotal(Outcomes):
    """By wallet and day (UTC): for figures that tell no keys, actions and channels apart."""

    # Found through `usage_total_is_unique`, so it needs no index of its own.
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_index=False)
    day = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint("wallet", "day", name="usage_total_is_unique")]
        # Figures over all wallets.
        indexes = [models.Index("day", name="usage_total_by_day")]

    def __str__(self) -> str:
        return f"{self.day}"


class UsageMark(models.Model):
    """Up to which entry a wallet's entries have been rolled up.

    Within one wallet ids rise in the order of commits, so nothing below the mark appears later.
    """

    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, primary_key=True)
    entry_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.wallet} up to {self.entry_id}"


class Earned(models.Model):
    """What a report tells of real money."""

    captures = models.BigIntegerField(help_text="How many drawings were paid.")
    revenue = models.BigIntegerField(help_text=MICRO_HELP)
    refunds = models.BigIntegerField()
    refunded = models.BigIntegerField(help_text=MICRO_HELP)
    releases = models.BigIntegerField(help_text="How many holds came to nothing.")
    cost = models.BigIntegerField(help_text="As far as known. " + MICRO_HELP)
    cost_unknown = models.BigIntegerField(help_text="How many captures have no known cost.")

    class Meta:
        abstract = True


class EarnedDay(Earned):
    """UsageDay without wallets and keys, of days that are over (billing/closing.py)."""

    day = models.DateField()
    channel = models.BigIntegerField(null=True)
    price_name = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=8, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "channel", "price_name", "mode"],
                nulls_distinct=False,
                name="earned_day_is_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.price_name} {self.mode}"


class EarnedKey(Earned):
    """UsageDay by wallets and keys alone, of days that are over."""

    day = models.DateField()
    # Both only ever read by days, so they need no indexes of their own.
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_index=False)
    token = models.ForeignKey(Token, null=True, on_delete=models.PROTECT, db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "wallet", "token"],
                nulls_distinct=False,
                name="earned_key_is_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}"


class EarnedOfKey(Earned):
    """Only ever read by days. They are written once, in one statement that groups them, and are
    many: an index to prove that they are unique would be larger than they are."""

    day = models.DateField()
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_index=False)
    token = models.ForeignKey(Token, null=True, on_delete=models.PROTECT, db_index=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.day}"


class EarnedKeyAction(EarnedOfKey):
    """UsageDay without channels, of days that are over: all that decides about prices."""

    price_name = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=8, blank=True)

    class Meta:
        indexes = [models.Index("day", name="earned_key_action_by_day")]


class EarnedKeyChannel(EarnedOfKey):
    """UsageDay by wallets, keys and channels, of days that are over."""

    channel = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index("day", name="earned_key_channel_by_day")]
