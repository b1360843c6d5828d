"""What all parts share: generations, which tell every process that a cached list has changed, and
pulses, which tell who has worked when."""

from django.db import models
from django.db.models import Func
from django.db.models.functions import Now


class Generation(models.Model):
    """Raised by a trigger on every write to the tables behind `name` ("channels", "prices").

    The counter commits together with the change, and the key check reads it with each request,
    so no process serves a list that was replaced before the request came.
    """

    name = models.CharField(primary_key=True, max_length=32)
    value = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


class Pulse(models.Model):
    """When a kind of work was last done (common/pulses.py): one sees what stands still."""

    name = models.CharField(primary_key=True, max_length=32)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"


class SiteSetting(models.Model):
    """What an operator has set of common/site.py's SETTINGS. Written there only."""

    name = models.CharField(primary_key=True, max_length=32)
    value = models.JSONField()
    changed_by = models.CharField(max_length=150)
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """Who did what, and why. Written by common/audit.py only; the database refuses to change or
    delete a line. Names instead of foreign keys: it outlives what it tells of."""

    class ActorKind(models.TextChoices):
        KEY = "key"
        PERSON = "person"
        SYSTEM = "system"
        COMMAND = "command"

    # Later than all that were there before, in a long transaction too.
    at = models.DateTimeField(db_default=Func(function="clock_timestamp"))
    actor = models.CharField(max_length=150)
    actor_kind = models.CharField(max_length=7, choices=ActorKind)
    # One of the site's own people or keys; others are the tenant's.
    is_site = models.BooleanField()
    user_id = models.BigIntegerField(null=True)
    acting_as = models.CharField(max_length=150, blank=True)
    tenant_id = models.BigIntegerField(null=True)
    deed = models.CharField(max_length=64, help_text="As in patch channel.")
    object_kind = models.CharField(max_length=32)
    object_id = models.CharField(max_length=64, blank=True)
    # What both have is left out.
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    why = models.CharField(max_length=200, blank=True)
    via = models.CharField(max_length=7, blank=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            # The lists of /api/v1/audit, each with the newest first.
            models.Index(fields=["tenant_id", "id"], name="audit_of_tenant"),
            models.Index(fields=["actor", "id"], name="audit_by_actor"),
            models.Index(fields=["deed", "id"], name="audit_by_deed"),
            models.Index(fields=["object_kind", "object_id", "id"], name="audit_of_object"),
            # Where a time begins and ends among the ids.
            models.Index(fields=["at", "id"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.deed} {self.object_id}".strip()
