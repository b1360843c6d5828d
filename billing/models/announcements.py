"""What the site's people have to say to tenants."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.tenants import Group, Tenant


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def in_force_for(self, tenant: Tenant) -> Self:
        """What this tenant is to be told now."""
        audience = Announcement.Audience
        is_ours = (
            Q(audience=audience.ALL)
            | Q(audience=audience.GROUPS, pk__in=_through("groups", group=tenant.group_id))
            | Q(audience=audience.TENANTS, pk__in=_through("tenants", tenant=tenant.pk))
        )
        is_on = Q(ends_at__isnull=True) | Q(ends_at__gt=Now())
        return self.filter(is_ours, is_on, starts_at__lte=Now())


def _through(field: str, **wanted: int) -> models.QuerySet[models.Model]:
    rows = getattr(Announcement, field).through.objects.filter(**wanted)
    found: models.QuerySet[models.Model] = rows.values("announcement_id")
    return found


class Announcement(models.Model):
    """One message to all tenants, to those of some groups, or to some of them."""

    class Level(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        DANGER = "danger"

    class Audience(models.TextChoices):
        ALL = "all"
        GROUPS = "groups"
        TENANTS = "tenants"

    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    level = models.CharField(max_length=7, choices=Level, default=Level.INFO)
    starts_at = models.DateTimeField(db_default=Now())
    ends_at = models.DateTimeField(null=True, blank=True)
    audience = models.CharField(max_length=7, choices=Audience, default=Audience.ALL)
    groups = models.ManyToManyField(Group, blank=True, related_name="+")
    tenants = models.ManyToManyField(Tenant, blank=True, related_name="+")
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now())

    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="announcement_ends_after_its_start",
            ),
        ]

    def __str__(self) -> str:
        return self.title
