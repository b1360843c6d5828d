"""Our attempts to have tasks done."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from channels.models import Channel, Credential
from relay.models.tasks import Task


class Attempt(models.Model):
    """One try to hand a task to one channel."""

    class Outcome(models.TextChoices):
        # Committed before the first byte leaves; found in this state, it may or may not have left.
        SENDING = "sending"
        ACCEPTED = "accepted"
        REFUSED = "refused"
        UNREACHABLE = "unreachable"
        UNKNOWN = "unknown"
        # The upstream asked for a confirmation, which is an attempt of its own.
        MODAL = "modal"

    MAYBE_TAKEN = (Outcome.SENDING, Outcome.UNKNOWN)

    # Found through `attempt_number_is_unique` and `attempt_by_channel`.
    task = models.ForeignKey(Task, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, db_index=False)
    credential = models.ForeignKey(Credential, null=True, on_delete=models.PROTECT)
    number = models.SmallIntegerField(default=1)
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.SENDING)
    # For the breaker: the channel's own fault, not the tenant's, and not that it was full.
    is_fault = models.BooleanField(default=False)
    cost = models.BigIntegerField(
        null=True, help_text="What the channel takes if it draws; empty: not known. Micro-units."
    )
    milliseconds = models.IntegerField(null=True)
    answer = models.TextField(blank=True, help_text="The upstream's raw text, cut.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("task", "number", name="attempt_number_is_unique"),
            # Once the upstream may have it, nobody else gets it.
            models.UniqueConstraint(
                "task",
                condition=Q(outcome__in=["sending", "accepted", "unknown"]),
                name="task_is_with_one_upstream",
            ),
        ]
        # The breaker's window: a channel's newest attempts.
        indexes = [models.Index(fields=["channel", "-created_at"], name="attempt_by_channel")]

    def __str__(self) -> str:
        return f"attempt {self.number} of task {self.task_id}"


class AttemptHour(models.Model):
    """The attempts at a channel in one hour that is over, by how long they took
    (relay/watch/speeds.py).

    An hour without any has one line without a channel, which says that it has been added up.
    """

    hour = models.DateTimeField(help_text="When it began (UTC).")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE, db_index=False)
    bucket = models.SmallIntegerField(help_text="Milliseconds, by powers of two.")
    number = models.IntegerField()
    good = models.IntegerField(help_text="Accepted, or asked to confirm.")
    faults = models.IntegerField(help_text="The channel's own fault.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "channel", "bucket"],
                nulls_distinct=False,
                name="attempt_hour_is_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} attempts at channel {self.channel_id} from {self.hour}"
