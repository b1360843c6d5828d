"""The tenant's tasks, our attempts to have them done, the callbacks about them, kept results."""

from relay.models.attempts import Attempt, AttemptHour
from relay.models.callbacks import Callback, CallbackAttempt, Hook, HookTest
from relay.models.results import ResultFile
from relay.models.site import DroppedWeek, OperatorCode, ProofRun
from relay.models.tasks import (
    LIVE,
    OPEN,
    TERMINAL,
    IdempotentRequest,
    NextTaskId,
    Task,
    TaskQuerySet,
    TaskStatus,
)

__all__ = [
    "LIVE",
    "OPEN",
    "TERMINAL",
    "Attempt",
    "AttemptHour",
    "Callback",
    "CallbackAttempt",
    "DroppedWeek",
    "Hook",
    "HookTest",
    "IdempotentRequest",
    "NextTaskId",
    "OperatorCode",
    "ProofRun",
    "ResultFile",
    "Task",
    "TaskQuerySet",
    "TaskStatus",
]
