"""The daily roll-up of the ledger: what lists and reports add up instead of single entries."""

from django.db import models

from billing.models.tenants import Token
from billing.models.wallets import Entry, Wallet
from billing.money import MICRO_HELP


class UsageDay(models.Model):
    """The entries of one wallet, day (UTC), kind, key, price name, mode and channel, added up."""

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT)
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


class UsageMark(models.Model):
    """Up to which entry a wallet's entries have been rolled up.

    Within one wallet ids rise in the order of commits, so nothing below the mark appears later.
    """

    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, primary_key=True)
    entry_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.wallet} up to {self.entry_id}"
