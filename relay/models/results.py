"""Results that are kept."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from relay.models.tasks import Task


class ResultFile(models.Model):
    """One picture or video of a finished task, to be copied to our own storage."""

    class Kind(models.TextChoices):
        IMAGE = "image"
        VIDEO = "video"

    class State(models.TextChoices):
        PENDING = "pending"
        KEPT = "kept"
        GIVEN_UP = "given_up"

    # Found through `result_file_is_unique`, so it needs no index of its own.
    task = models.ForeignKey(Task, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    kind = models.CharField(max_length=5, choices=Kind)
    number = models.SmallIntegerField(help_text="Counts the different files of its kind, from 0.")
    source_url = models.TextField(help_text="Where the upstream has it, as the task says.")
    name = models.CharField(max_length=200, blank=True, help_text="What the storage calls it.")
    content_type = models.CharField(max_length=20, blank=True)
    size = models.BigIntegerField(default=0, help_text="Bytes.")
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    tries = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, db_default=Now())
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("task", "kind", "number", name="result_file_is_unique"),
            models.CheckConstraint(
                name="pending_result_file_is_due",
                condition=Q(state="pending", due_at__isnull=False)
                | (~Q(state="pending") & Q(due_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="kept_result_file_has_a_name", condition=~Q(state="kept", name="")
            ),
        ]
        # results.claim: what is due.
        indexes = [
            models.Index("due_at", name="result_file_due", condition=Q(due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of task {self.task_id}"
