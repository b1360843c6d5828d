"""The tenant's tasks, and the submits that may come twice."""

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
    # That what it points to stays is seen to by its entry and its attempts, which are written with
    # it and point to the same; here it would only be asked a second time. And each index is
    # written twice for each task, so only those are kept that somebody searches by.
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    token = models.ForeignKey(Token, on_delete=models.PROTECT, db_constraint=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, db_constraint=False)
    credential = models.ForeignKey(
        Credential, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    is_test = models.BooleanField(default=False, help_text="Of a test key; costs no real money.")
    # What was asked for.
    action = models.CharField(max_length=16)
    mode = models.CharField(max_length=8)
    bot_type = models.CharField(max_length=16)
    parent = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="children",
    )
    prompt = models.TextField(blank=True)
    state = models.TextField(blank=True, help_text="The tenant's own text, returned verbatim.")
    notify_hook = models.TextField(blank=True)
    # The IdempotentRequest that it came with.
    request_id = models.BigIntegerField(null=True)
    # What it costs: copied at submit, so that a price change never touches a running task.
    price = models.BigIntegerField(help_text="Micro-units held at submit.")
    price_rule = models.ForeignKey(
        PriceRule, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
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
    # Written by a trigger (0011_histories), up to a certain length; read by
    # relay/operators/timeline.py.
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
            # What was made of a task.
            models.Index("parent", name="task_by_parent", condition=Q(parent__isnull=False)),
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
