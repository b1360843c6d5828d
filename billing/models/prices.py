"""Price books: drafts that are edited, and published versions that nothing changes any more."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.tenants import Group, Tenant
from billing.money import MICRO_HELP


class PriceBookQuerySet(models.QuerySet["PriceBook"]):
    def published(self) -> Self:
        return self.filter(published_at__isnull=False)

    def upcoming(self, at: datetime | None = None) -> Self:
        """Published, and their time has not come. The database's clock counts, for everybody."""
        return self.published().filter(effective_at__gt=at or Now())

    def in_force(self, at: datetime | None = None) -> "PriceBook | None":
        """The one whose time came last; of several at the same moment, the one published last."""
        past = self.published().filter(effective_at__lte=at or Now())
        return past.order_by("-effective_at", "-published_at", "-id").first()


class PriceBook(models.Model):
    """A version of all prices. Of the published ones the one whose time came last is in force.

    A trigger refuses every change to a published book and its lines. Until its time has come it
    may be withdrawn, and is a draft again.
    """

    memo = models.CharField(max_length=200, blank=True)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    # Of which book it is a copy: a roll-back publishes a copy of an older one.
    origin = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)
    published_at = models.DateTimeField(null=True, blank=True, help_text="Empty: a draft.")
    published_by = models.CharField(max_length=150, blank=True, default="")
    effective_at = models.DateTimeField(null=True, blank=True, help_text="In force from then on.")

    objects = PriceBookQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="published_book_has_its_time",
                condition=Q(published_at__isnull=True, effective_at__isnull=True)
                | Q(published_at__isnull=False, effective_at__isnull=False),
            ),
        ]
        indexes = [
            # pricing: the book in force, and those to come.
            models.Index(
                "effective_at",
                "published_at",
                name="price_book_in_force",
                condition=Q(published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"price book {self.pk}"


class PriceRule(models.Model):
    """One line of a price book: what is priced, for whom, in which mode.

    A name is exact, or a prefix with `*` behind it, or `*` alone. The line that fits best counts:
    the tenant's before the group's before everybody's; exact before the longest prefix; a mode of
    its own before any.
    """

    book = models.ForeignKey(PriceBook, on_delete=models.PROTECT, related_name="rules")
    name = models.CharField(max_length=64, help_text="The price name, e.g. mj_imagine or mj_*.")
    mode = models.CharField(max_length=8, blank=True, help_text="Empty: any mode.")
    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.PROTECT)
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.PROTECT)
    amount = models.BigIntegerField(help_text=MICRO_HELP)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["book", "name", "mode", "tenant", "group"],
                nulls_distinct=False,
                name="price_rule_is_unique_in_its_book",
            ),
            models.CheckConstraint(
                condition=Q(tenant__isnull=True) | Q(group__isnull=True),
                name="price_rule_has_one_scope",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="price_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.mode or 'any mode'}"


class GroupRatio(models.Model):
    """What everybody's prices are multiplied by for a group; without a line it is 1.

    With a `home`, for keys that use `group` and belong to a tenant of the group `home`: that line
    replaces the general one (new-api's GroupGroupRatio).
    """

    book = models.ForeignKey(PriceBook, on_delete=models.PROTECT, related_name="ratios")
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+")
    home = models.ForeignKey(
        Group, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ratio = models.DecimalField(max_digits=12, decimal_places=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["book", "group", "home"],
                nulls_distinct=False,
                name="group_ratio_is_unique_in_its_book",
            ),
            models.CheckConstraint(condition=Q(ratio__gte=0), name="group_ratio_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.group} x {self.ratio}"
