"""What the site keeps about itself."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class DroppedWeek(models.Model):
    """A week whose tasks are gone, with their attempts and callbacks (relay/weeks/old_tasks.py).

    What the ledger had about them then: nobody can ask the tasks any more.
    """

    monday = models.DateField(primary_key=True)
    first_id = models.BigIntegerField(help_text="The least id of a task of that week.")
    until_id = models.BigIntegerField(help_text="The least id of a task of the next one.")
    tasks = models.BigIntegerField(help_text="How many there were.")
    holds = models.BigIntegerField(help_text="How many holds, all ended.")
    held = models.BigIntegerField(help_text="What these held, in micro-units.")
    paid = models.BigIntegerField(help_text="What of it was paid, before refunds.")
    dropped_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"week of {self.monday}"


class ProofRun(models.Model):
    """One run of the proofs over the books (relay/watch/nightly.py)."""

    night = models.DateField(unique=True, null=True, help_text="When it was due.")
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    findings = models.JSONField(default=list, help_text="What contradicted, with ids, cut.")
    number = models.IntegerField(default=0, help_text="How many contradictions there were.")

    def __str__(self) -> str:
        return f"proof of {self.started_at:%Y-%m-%d %H:%M}"


class OperatorCode(models.Model):
    """The code that makes the first operator (relay/operators/first_run.py): one row at most, gone
    once it is used."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    digest = models.BinaryField(max_length=32)
    tries = models.SmallIntegerField(default=0, help_text="Wrong ones.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="operator_code_is_one")]

    def __str__(self) -> str:
        return "code of the first operator"
