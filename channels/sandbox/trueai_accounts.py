"""The accounts behind /trueai, and how a submit finds one that will do."""

import re
from dataclasses import dataclass

from .aspnet import Form
from .refused import Refused
from .trueai_switches import MODES, TrueAiSwitches

NOT_FOUND = 3
NO_ACCOUNT = "无可用的账号实例"

FLAG = re.compile(r"--(fast|relax|turbo)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Account:
    """trueai 11.10: three kinds; Discord, the official site, and "YouChuan", the partner."""

    id: str
    remark: str
    is_partner: bool


DISCORD = Account("1077900000000000002", "sandbox discord", is_partner=False)
PARTNER = Account("1077900000000000003", "sandbox partner", is_partner=True)


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """What a submit says of the account that may draw it. None: any will do."""

    instance_id: str = ""
    remark: str = ""
    modes: tuple[str, ...] = ()
    remix: bool | None = None
    remix_auto_considered: bool | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "instanceId": self.instance_id or None,
            "modes": self.modes,
            "remix": self.remix,
            "nijiRemix": None,
            "remixAutoConsidered": self.remix_auto_considered,
            "remark": self.remark or None,
        }


def read_filter(form: Form | None, *, prefix_mode: str | None) -> AccountFilter | None:
    """trueai 11.10: the mode of the path's prefix is put first among the filter's modes.

    Raises aspnet.Failure for a wrong type or an unknown mode.
    """
    first = (prefix_mode,) if prefix_mode else ()
    if form is None:
        return AccountFilter(modes=first) if first else None
    return AccountFilter(
        instance_id=form.filled("instanceId"),
        remark=form.filled("remark"),
        modes=(*first, *form.choices("modes", MODES)),
        remix=form.true_or_false("remix"),
        remix_auto_considered=form.true_or_false("remixAutoConsidered"),
    )


def wanted_modes(account_filter: AccountFilter | None, prompt: str) -> list[str]:
    """trueai 11.10: the path's prefix, then the filter's modes in order, then the prompt's flag."""
    wanted = list(account_filter.modes) if account_filter else []
    if flag := FLAG.search(prompt):
        wanted.append(flag[1].upper())
    return wanted


def found_mode(wanted: list[str], switches: TrueAiSwitches) -> str:
    """The first mode that an account can run: FAST, TURBO, RELAX if nobody asks for one.

    Raises Refused.
    """
    for mode in wanted or MODES:
        if mode in switches.modes:
            return mode
    raise Refused(NOT_FOUND, NO_ACCOUNT)


def check_filter(
    account: Account, account_filter: AccountFilter | None, switches: TrueAiSwitches
) -> None:
    """trueai 11.10: instanceId is compared whole, remark as a part, remix with the account's own.

    Raises Refused.
    """
    if account_filter is None:
        return
    has_remix, submits_itself = switches.remix != "off", switches.remix == "auto"
    fits = (
        account_filter.instance_id in ("", account.id)
        and account_filter.remark in account.remark
        and (account_filter.remix is not True or has_remix or not submits_itself)
        and (account_filter.remix is not False or not has_remix)
        and account_filter.remix_auto_considered in (None, submits_itself)
    )
    if not fits:
        raise Refused(NOT_FOUND, NO_ACCOUNT)
