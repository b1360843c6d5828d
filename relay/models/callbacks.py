"""Callbacks about tasks, and the addresses that they go to."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models import Tenant
from relay.models.tasks import Task


class Hook(models.Model):
    """An address of a tenant's that fails: since when, and whether we still call it.

    An address without a row does not fail. Written by relay/messages/hooks.py only.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT)
    url = models.TextField()
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the address.")
    # As its callbacks have them.
    host = models.CharField(max_length=255, blank=True, default="")
    lane = models.SmallIntegerField(default=0)
    failing_since = models.DateTimeField(db_default=Now())
    quiet_until = models.DateTimeField(null=True, help_text="It has asked to be left in peace.")
    off_since = models.DateTimeField(null=True, help_text="Empty: it is called.")
    off_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "digest", name="hook_is_unique")]
        indexes = [
            # callbacks.claim: whether a lane fails, or is to be left in peace.
            models.Index(fields=["tenant", "host", "lane", "quiet_until"], name="hook_by_lane"),
            # hooks.hold_back: whose messages wait in vain.
            models.Index("off_since", name="hook_off", condition=Q(off_since__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.url


class Callback(models.Model):
    """One message to a tenant's hook: a task in one state."""

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up"
        # Overtaken by a later state of the same task before it was sent.
        OVERTAKEN = "overtaken"
        # Its hook is switched off; it can be replayed.
        HELD_BACK = "held_back"

    task = models.ForeignKey(Task, on_delete=models.PROTECT, db_constraint=False)
    # Found through `callback_by_tenant`, so it needs no index of its own.
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, db_index=False)
    url = models.TextField()
    sequence = models.IntegerField()
    is_final = models.BooleanField(help_text="Final states are retried, progress is not.")
    body = models.TextField(help_text="The task object as it is sent and signed.")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    tries = models.SmallIntegerField(default=0)
    rung = models.SmallIntegerField(
        default=0, help_text="Tries of the ladder that failed; a replay begins it anew."
    )
    due_at = models.DateTimeField(null=True, db_default=Now())
    host = models.CharField(
        max_length=255, blank=True, default="", help_text="Of the url; limits what flies there."
    )
    # By its url: of several hooks at one host none stands in the others' way
    # (relay/messages/hooks.py).
    lane = models.SmallIntegerField(default=0)
    flies_until = models.DateTimeField(null=True, help_text="Set while a try is under way.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("task", "sequence", name="callback_is_unique"),
            models.UniqueConstraint(
                "task",
                condition=Q(is_final=False, state="pending"),
                name="progress_is_coalesced",
            ),
            models.CheckConstraint(
                name="pending_callback_is_due",
                condition=Q(state="pending", due_at__isnull=False)
                | (~Q(state="pending") & Q(due_at__isnull=True)),
            ),
        ]
        indexes = [
            # callbacks.claim: which receivers there are, and what is due at each.
            models.Index(
                "tenant",
                "host",
                "lane",
                "due_at",
                name="callback_due_by_lane",
                condition=Q(due_at__isnull=False),
            ),
            models.Index(
                "flies_until", name="callback_in_flight", condition=Q(flies_until__isnull=False)
            ),
            # What is due the longest.
            models.Index("due_at", name="callback_due", condition=Q(due_at__isnull=False)),
            # Lists of a tenant, newest first.
            models.Index(fields=["tenant", "-id"], name="callback_by_tenant"),
            # The same of what did not arrive, which is rare.
            models.Index(
                fields=["tenant", "state", "-id"],
                name="callback_lost",
                condition=Q(state__in=("given_up", "held_back")),
            ),
            # callbacks.replay_some: the final ones of a time.
            models.Index(
                "tenant", "created_at", "id", name="callback_by_time", condition=Q(is_final=True)
            ),
        ]

    def __str__(self) -> str:
        return f"callback {self.message_id}"

    @property
    def message_id(self) -> str:
        """The `webhook-id`: the same over all tries of one message."""
        return f"msg_{self.task_id}_{self.sequence}"


class CallbackAttempt(models.Model):
    """One try to deliver a callback."""

    callback = models.ForeignKey(
        Callback, on_delete=models.PROTECT, db_constraint=False, related_name="attempts"
    )
    # The callback's.
    task = models.ForeignKey(Task, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    number = models.SmallIntegerField()
    status_code = models.SmallIntegerField(null=True, help_text="Empty: no answer came.")
    answer = models.TextField(blank=True, help_text="The receiver's answer or the error, cut.")
    milliseconds = models.IntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"try {self.number} of {self.callback}"


class HookTest(models.Model):
    """A sample message that a tenant had sent to an address of his, and how that went."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, db_index=False)
    url = models.TextField()
    body = models.TextField()
    status_code = models.SmallIntegerField(null=True, help_text="Empty: no answer came.")
    answer = models.TextField(blank=True, help_text="The receiver's answer or the error, cut.")
    milliseconds = models.IntegerField(null=True, help_text="Empty: it is under way.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        # Lists of a tenant, newest first.
        indexes = [models.Index(fields=["tenant", "-id"], name="hook_test_by_tenant")]

    def __str__(self) -> str:
        return f"test of {self.url}"

    @property
    def message_id(self) -> str:
        """The `webhook-id`."""
        return f"test_{self.pk}"
