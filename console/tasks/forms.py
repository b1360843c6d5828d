"""What is asked when somebody decides about a task, or gives its price back."""

from django.forms import HiddenInput, RadioSelect
from django.utils.translation import gettext_lazy as _

from console.forms import form_of
from relay.api.v1 import task_actions, wallets
from relay.operators.settlements import DRAWN, FAILED

# `refunded_before` is what the person saw refunded, so that a form sent twice counts once.
Refund = form_of(
    wallets.Refunds,
    "post",
    ["amount", "memo", "refunded_before"],
    amount={"help_text": _("Empty: all that is left.")},
    memo={"label": _("Why"), "help_text": _("The tenant can read it."), "required": True},
    refunded_before={"widget": HiddenInput()},
)
Settlement = form_of(
    task_actions.Settling,
    "post",
    ["outcome", "image_url", "video_url", "reason", "memo"],
    outcome={
        "label": _("What became of it"),
        "widget": RadioSelect(),
        "choices": [
            (FAILED, _("It failed: the price is free again")),
            (DRAWN, _("It was drawn: the price is paid, the tenant gets the file")),
        ],
        "help_text": "",
    },
    image_url={
        "label": _("Address of the picture"),
        "help_text": _("Only if it was drawn: where the upstream has it."),
    },
    video_url={
        "label": _("Address of the video"),
        "help_text": _("The same for a video."),
    },
    reason={
        "label": _("Reason for the tenant"),
        "help_text": _("Only if it failed: what the tenant is told."),
    },
    memo={"label": _("Why you say so"), "help_text": _("For the ledger.")},
)
