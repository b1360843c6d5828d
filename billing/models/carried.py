"""What is left of ledger entries whose week was dropped (billing/carrying.py, the only writer):
enough for the roll-ups to be made anew and for the proofs to go on proving."""

from django.db import models
from django.db.models.functions import Now

from billing.models.tenants import Token
from billing.models.wallets import Entry, Wallet
from billing.money import MICRO_HELP


class CarriedWeek(models.Model):
    """One week of drawings whose entries are gone: what they came to."""

    monday = models.DateField(primary_key=True)
    number = models.BigIntegerField(help_text="How many entries.")
    amount = models.BigIntegerField(help_text="Their amounts. " + MICRO_HELP)
    holds = models.BigIntegerField(help_text="How many of them were holds.")
    held = models.BigIntegerField(help_text="What these held. " + MICRO_HELP)
    paid = models.BigIntegerField(help_text="What was paid, before refunds. " + MICRO_HELP)
    newest_at = models.DateTimeField(null=True, help_text="When the last of them was written.")
    carried_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"week of {self.monday}"


class CarriedDay(models.Model):
    """As UsageDay, of such entries only; and what they tell UsageTotal."""

    # Found through `carried_day_is_unique`, so it needs no index of its own.
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_index=False)
    day = models.DateField()
    kind = models.CharField(max_length=8, choices=Entry.Kind)
    token = models.ForeignKey(Token, null=True, on_delete=models.PROTECT, db_index=False)
    price_name = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=8, blank=True)
    channel = models.BigIntegerField(null=True)
    number = models.IntegerField(help_text="How many entries.")
    amount = models.BigIntegerField(help_text="Their amounts. " + MICRO_HELP)
    held = models.BigIntegerField(help_text="Their held money. " + MICRO_HELP)
    cost = models.BigIntegerField(help_text="Their costs, as far as known. " + MICRO_HELP)
    cost_unknown = models.IntegerField(help_text="How many captures have no known cost.")
    submits = models.IntegerField(help_text="How many drawings were begun.")
    failures = models.IntegerField(help_text="How many came to nothing, and were free.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["wallet", "day", "kind", "token", "price_name", "mode", "channel"],
                nulls_distinct=False,
                name="carried_day_is_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.price_name} {self.mode}"


class CarriedWallet(models.Model):
    """How a wallet stood after the last such entry of its own. From there on each entry follows
    from the one before; up to there only the sums are known."""

    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, primary_key=True)
    last_id = models.BigIntegerField(help_text="That entry's id.")
    balance_after = models.BigIntegerField(help_text=MICRO_HELP)
    held_after = models.BigIntegerField(help_text=MICRO_HELP)

    def __str__(self) -> str:
        return f"{self.wallet} up to {self.last_id}"


class CarriedKey(models.Model):
    """What such entries came to in the day, week and month that the key was in then. A later period
    has nothing of them."""

    token = models.OneToOneField(Token, on_delete=models.PROTECT, primary_key=True)
    day_began = models.DateField()
    day_used = models.BigIntegerField(help_text=MICRO_HELP)
    week_began = models.DateField()
    week_used = models.BigIntegerField(help_text=MICRO_HELP)
    month_began = models.DateField()
    month_used = models.BigIntegerField(help_text=MICRO_HELP)

    def __str__(self) -> str:
        return f"{self.token}"
