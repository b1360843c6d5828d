"""What the audit's words are called on pages; one that is not here is shown as it is."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# By object_kind.
THINGS: dict[str, Any] = {
    "account": _("account"),
    "announcement": _("announcement"),
    "callback": _("callback"),
    "channel": _("channel"),
    "code": _("code"),
    "code batch": _("batch of codes"),
    "credential": _("credential of a channel"),
    "group": _("group"),
    "group ratio": _("ratio of a group"),
    "hook": _("callback address"),
    "hook test": _("sample message"),
    "hooks": _("callback settings"),
    "import": _("site"),
    "invitation": _("invitation"),
    "key": _("key"),
    "management key": _("management key"),
    "member": _("member"),
    "price book": _("price book"),
    "price rule": _("price"),
    "settings": _("settings of the site"),
    "staff member": _("one of the staff"),
    "task": _("task"),
    "tenant": _("tenant"),
    "test wallet": _("test wallet"),
    "thresholds": _("thresholds"),
    "top-up order": _("top-up order"),
    "wallet": _("wallet"),
}
# What the API's methods mean.
METHODS = {
    "post": _("Made: %s"),
    "patch": _("Changed: %s"),
    "put": _("Changed: %s"),
    "delete": _("Deleted: %s"),
}
DEEDS: dict[str, Any] = {
    "accept invitation": _("Invitation accepted"),
    "add key": _("Made: key"),
    "adjust wallet": _("Balance corrected"),
    "clone channel": _("Channel cloned"),
    "disable code": _("Code disabled"),
    "disable code batch": _("Batch of codes disabled"),
    "disable key": _("Key disabled"),
    "disable management key": _("Management key disabled"),
    "dismiss top-up order": _("Top-up order dismissed"),
    "edit price book": _("Prices edited"),
    "enable key": _("Key enabled"),
    "enable management key": _("Management key enabled"),
    "import prices": _("Prices imported"),
    "import from new-api": _("Taken over from new-api"),
    "leave": _("Left the tenant"),
    "load price book": _("Prices loaded"),
    "look at task": _("Task looked at"),
    "make first operator": _("First operator made"),
    "make operator": _("Operator made"),
    "make password link": _("Link for a new password made"),
    "probe channel": _("Channel tested"),
    "publish price book": _("Prices published"),
    "redeem code": _("Code redeemed"),
    "refill test wallet": _("Test wallet refilled"),
    "refund task": _("Task refunded"),
    "remove second factors": _("Second factors removed"),
    "replay callback": _("Callback sent again"),
    "replay callbacks": _("Callbacks sent again"),
    "roll back price book": _("Prices rolled back"),
    "rotate key": _("Key replaced"),
    "rotate management key": _("Management key replaced"),
    "rotate webhook secret": _("Secret replaced"),
    "send sample message": _("Sample message sent"),
    "set channel costs": _("Costs of a channel set"),
    "set credit limit": _("Credit limit set"),
    "settle task": _("Task settled"),
    "settle top-up order": _("Top-up order settled"),
    "show webhook secret": _("Secret shown"),
    "sign in as": _("Signed in as a member"),
    "stop signing in as": _("Stopped being signed in as a member"),
    "switch hook on": _("Callback address switched on"),
    "top up wallet": _("Balance topped up"),
    "withdraw price book": _("Prices withdrawn"),
}


def thing(kind: str) -> Any:
    return THINGS.get(kind, kind)


def deed(text: str) -> Any:
    """As "Changed: channel" for "patch channel"."""
    method, _space, kind = text.partition(" ")
    if method in METHODS and kind:
        return METHODS[method] % thing(kind)
    return DEEDS.get(text, text)
