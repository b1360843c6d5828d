"""The life of a task, and the only writer of `Task.status`.

Handing a task to an upstream is in relay/submits/forwarding.py, looking at it in
relay/following/polling.py; both come here to have a task begun, changed or ended. Status, money and
callback change in one transaction, and only if the task is still as the caller saw it.
"""

from relay.lifecycle.late import LATE_SUFFIX, revive
from relay.lifecycle.modals import (
    begin_confirmation,
    is_confirmation_unheard,
    open_modal,
    reopen_modal,
    reopen_unheard,
)
from relay.lifecycle.tasks import (
    adopt,
    apply,
    apply_progress,
    begin,
    cancel,
    decide,
    doubt,
    expire_overdue,
    fail,
    finish_upload,
    refuse,
)

__all__ = [
    "LATE_SUFFIX",
    "adopt",
    "apply",
    "apply_progress",
    "begin",
    "begin_confirmation",
    "cancel",
    "decide",
    "doubt",
    "expire_overdue",
    "fail",
    "finish_upload",
    "is_confirmation_unheard",
    "open_modal",
    "refuse",
    "reopen_modal",
    "reopen_unheard",
    "revive",
]
