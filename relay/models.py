"""The tenant's tasks, our attempts to have them done, the callbacks about them, kept results."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models import PriceRule, Tenant, Token
from billing.tokens import Caller
from channels.models import Channel, Credential


class NextTaskId(models.Func):
    """The database's `next_task_id()`: 16 digits, milliseconds and a counter (0001_initial)."""

    function = "next_task_id"
    output_field = models.BigIntegerField()


class TaskStatus(models.TextChoices):
    """The words of the contract (tenant-api, section 5)."""

    NOT_START = "NOT_START"
    SUBMITTED = "SUBMITTED"
    IN_PROGRESS = "IN_PROGRESS"
    # Waits for the tenant's `submit/modal`; nothing is held for it.
    MODAL = "MODAL"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CANCEL = "CANCEL"


LIVE = (TaskStatus.NOT_START, TaskStatus.SUBMITTED, TaskStatus.IN_PROGRESS)
TERMINAL = (TaskStatus.SUCCESS, TaskStatus.FAILURE, TaskStatus.CANCEL)
OPEN = (*LIVE, TaskStatus.MODAL)


class TaskQuerySet(models.QuerySet["Task"]):
    def live(self) -> Self:
        return self.filter(status__in=LIVE)

    def open(self) -> Self:
        return self.filter(status__in=OPEN)

    def of(self, caller: Caller) -> Self:
        """What a key may see: its tenant's tasks, of its own world (test or live)."""
        return self.filter(tenant_id=caller.tenant_id, is_test=caller.is_test)


class Task(models.Model):
    """A tenant's task. Its status is written by relay/lifecycle only."""

    id = models.BigIntegerField(primary_key=True, db_default=NextTaskId())
    # Found through `task_by_tenant`, so it needs no index of its own.
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, db_index=False)
    token = models.ForeignKey(Token, on_delete=models.PROTECT)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT)
    credential = models.ForeignKey(Credential, null=True, on_delete=models.PROTECT)
    is_test = models.BooleanField(default=False, help_text="Of a test key; costs no real money.")
    # What was asked for.
    action = models.CharField(max_length=16)
    mode = models.CharField(max_length=8)
    bot_type = models.CharField(max_length=16)
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, db_constraint=False, related_name="children"
    )
    prompt = models.TextField(blank=True)
    state = models.TextField(blank=True, help_text="The tenant's own text, returned verbatim.")
    notify_hook = models.TextField(blank=True)
    # The IdempotentRequest that it came with.
    request_id = models.BigIntegerField(null=True)
    # What it costs: copied at submit, so that a price change never touches a running task.
    price = models.BigIntegerField(help_text="Micro-units held at submit.")
    price_rule = models.ForeignKey(PriceRule, on_delete=models.PROTECT)
    mode_prices = models.JSONField(
        default=dict, help_text="The price in each mode that has one, as it was at submit."
    )
    hold_suffix = models.CharField(
        max_length=8, blank=True, help_text="Tells the holds of one task apart."
    )
    # What became of it, in the contract's words.
    status = models.CharField(max_length=12, choices=TaskStatus, default=TaskStatus.NOT_START)
    progress = models.SmallIntegerField(default=0, help_text="Percent.")
    custom_id = models.CharField(max_length=200, blank=True)
    prompt_en = models.TextField(blank=True)
    final_prompt = models.TextField(blank=True)
    final_zh_prompt = models.TextField(blank=True)
    description = models.TextField(blank=True)
    fail_reason = models.TextField(blank=True)
    image_url = models.TextField(blank=True)
    image_urls = models.JSONField(null=True)
    video_url = models.TextField(blank=True)
    video_urls = models.JSONField(null=True)
    buttons = models.JSONField(null=True)
    seed = models.CharField(max_length=32, blank=True)
    submit_time = models.BigIntegerField(help_text="Milliseconds since 1970, as all three.")
    start_time = models.BigIntegerField(default=0)
    finish_time = models.BigIntegerField(default=0)
    # How it is followed.
    upstream_id = models.CharField(max_length=200, blank=True)
    # An id that a hint brought while the upstream's own answer is missing; believed only when the
    # upstream, asked for it, shows our correlation token.
    hinted_id = models.CharField(max_length=200, blank=True)
    upstream_row = models.JSONField(null=True, help_text="The upstream's last word, as it came.")
    sequence = models.IntegerField(default=0, help_text="Counts the changes that were stored.")
    # Written by a trigger (0011_histories), up to a certain length; read by relay/timeline.py.
    history = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="Changes of status and progress, one a line: milliseconds since 1970, status, "
        "percent.",
    )
    changed_at = models.DateTimeField(db_default=Now())
    missing_since = models.DateTimeField(null=True)
    next_poll_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True, help_text="Set while somebody looks.")
    hinted_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # It failed by our own verdict, and the upstream may finish it all the same: asked again then.
    late_look_at = models.DateTimeField(null=True)
    # It did, and the wallet could not pay for it any more: the picture is the tenant's, the cost
    # the operator's.
    is_written_off = models.BooleanField(default=False)

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="live_task_is_followed",
                condition=Q(status__in=LIVE, next_poll_at__isnull=False)
                | (~Q(status__in=LIVE) & Q(next_poll_at__isnull=True)),
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="task_price_is_not_negative"),
        ]
        indexes = [
            # polling.claim: what is due on which channel.
            models.Index(
                "channel", "next_poll_at", name="task_due", condition=Q(next_poll_at__isnull=False)
            ),
            # idempotency: what a request came to whose process has died.
            models.Index(
                "request_id", name="task_by_request", condition=Q(request_id__isnull=False)
            ),
            # polling: whose drawing it is that an upstream has under some id.
            models.Index(
                "channel", "upstream_id", name="task_by_upstream", condition=~Q(upstream_id="")
            ),
            # polling.claim: how many of a channel's tasks are being looked at.
            models.Index("channel", name="task_leased", condition=Q(leased_until__isnull=False)),
            # polling.claim_late: what failed by our own verdict.
            models.Index("late_look_at", name="task_late", condition=Q(late_look_at__isnull=False)),
            # What is to be shown to operators.
            models.Index("id", name="task_written_off", condition=Q(is_written_off=True)),
            # lifecycle.expire_overdue: what has outlived everything.
            models.Index("expires_at", name="task_expiry", condition=Q(status__in=OPEN)),
            # Lists of a tenant, newest first.
            models.Index(fields=["tenant", "-id"], name="task_by_tenant"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def hold_reference(self) -> str:
        """What the ledger calls the newest hold of this task."""
        return f"{self.pk}{self.hold_suffix}"


class IdempotentRequest(models.Model):
    """A submit that came with an `Idempotency-Key`. Without an answer it is under way."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT)
    is_test = models.BooleanField(default=False)
    key = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32)
    answer = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("tenant", "is_test", "key", name="idempotency_key_is_unique"),
        ]
        indexes = [models.Index("started_at", name="idempotent_by_time")]

    def __str__(self) -> str:
        return self.key


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

    task = models.ForeignKey(Task, on_delete=models.PROTECT, db_constraint=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT)
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
    """The attempts at a channel in one hour that is over, by how long they took (relay/speeds.py).

    An hour without any has one line without a channel, which says that it has been added up.
    """

    hour = models.DateTimeField(help_text="When it began (UTC).")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE, db_index=False)
    bucket = models.SmallIntegerField(help_text="Milliseconds, by powers of two (relay/speeds.py).")
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


class Hook(models.Model):
    """An address of a tenant's that fails: since when, and whether we still call it.

    An address without a row does not fail. Written by relay/hooks.py only.
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
    # By its url: of several hooks at one host none stands in the others' way (relay/hooks.py).
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

    callback = models.ForeignKey(Callback, on_delete=models.PROTECT, related_name="attempts")
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


class ProofRun(models.Model):
    """One run of the proofs over the books (relay/nightly.py)."""

    night = models.DateField(unique=True, null=True, help_text="When it was due.")
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    findings = models.JSONField(default=list, help_text="What contradicted, with ids, cut.")
    number = models.IntegerField(default=0, help_text="How many contradictions there were.")

    def __str__(self) -> str:
        return f"proof of {self.started_at:%Y-%m-%d %H:%M}"


class OperatorCode(models.Model):
    """The code that makes the first operator (relay/first_run.py): one row at most, gone once it
    is used."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    digest = models.BinaryField(max_length=32)
    tries = models.SmallIntegerField(default=0, help_text="Wrong ones.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="operator_code_is_one")]

    def __str__(self) -> str:
        return "code of the first operator"
