"""What every submit to trueai carries, and the checks that every task passes."""

from dataclasses import dataclass, replace

from . import aspnet
from .clock import snowflake
from .lives import FAILED, FAILED_AT_ONCE, Life, Status, Step
from .prompts import Word
from .refused import Refused
from .trueai_accounts import (
    PARTNER,
    AccountFilter,
    check_filter,
    found_mode,
    read_filter,
    wanted_modes,
)
from .trueai_answers import BANNED, BANNED_PROMPT, Plan, instance
from .trueai_pool import Pool
from .trueai_tasks import TrueAiTask

STATE_LENGTH_MAX = 255
HOOK_LENGTH_MAX = 2_000

NIJI_NAMES = ("niji", "NIJI_JOURNEY")
SWEPT: Life = (Step(Status.NOT_START, None), FAILED)


@dataclass(frozen=True, slots=True)
class Envelope:
    state: str | None
    notify_hook: str | None
    bot_type: str
    account_filter: AccountFilter | None
    prefix_mode: str | None

    def without_filter(self) -> "Envelope":
        """For the routes that take none. The prefix counts all the same."""
        modes = (self.prefix_mode,) if self.prefix_mode else ()
        return replace(self, account_filter=AccountFilter(modes=modes) if modes else None)


def read_envelope(form: aspnet.Form, *, prefix_mode: str | None) -> Envelope:
    """These are bound before anything is checked. Raises aspnet.Failure for a wrong type."""
    return Envelope(
        state=form.text("state"),
        notify_hook=form.filled("notifyHook") or None,
        bot_type="NIJI_JOURNEY" if form.text("botType") in NIJI_NAMES else "MID_JOURNEY",
        account_filter=read_filter(form.form("accountFilter"), prefix_mode=prefix_mode),
        prefix_mode=prefix_mode,
    )


class Admission:
    """Completes a task with its envelope, finds its account and mode, and lets it in or not.

    Raises Refused, and aspnet.Failure where trueai throws a LogicException.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._switches = pool.switches

    def new(self, task: TrueAiTask, envelope: Envelope) -> Plan:
        """A task of its own: the account may be anybody's, and anybody's mode."""
        self.check_limits(task.words, envelope)
        self._address(task, envelope)
        if Word.PARTNER in task.words or _asks_for(PARTNER.id, envelope.account_filter):
            task.account = PARTNER
        self._place(task, wanted_modes(envelope.account_filter, task.final_prompt))
        check_filter(task.account, envelope.account_filter, self._switches)
        task.account_filter = envelope.account_filter
        self.check_banned(task)
        return Plan(task.words, lambda: self._pool.draw(task))

    def follow_up(self, task: TrueAiTask, envelope: Envelope, parent: TrueAiTask) -> None:
        """A task on another's result: account and bot are its parent's, and so is the mode.

        Its limits are looked at by themselves: trueai does so before it knows what is asked for.
        """
        self._address(task, envelope)
        task.parent_id, task.bot_type = parent.id, parent.bot_type
        task.account = parent.account
        mode = envelope.prefix_mode or parent.mode
        self._place(task, [mode] if mode else [])

    def check_banned(self, task: TrueAiTask) -> None:
        """Until 11.6.1 refused with code 24; since then accepted, and failed by the worker."""
        if Word.BAN not in task.words:
            return
        if self._switches.rules.bans_at_submit:
            found: dict[str, object] = {
                "promptEn": task.final_prompt,
                "bannedWord": str(Word.BAN),
            }
            raise Refused(BANNED_PROMPT, BANNED, found)
        task.life, task.reason_to_fail = FAILED_AT_ONCE, BANNED

    def check_limits(self, words: frozenset[Word], envelope: Envelope) -> None:
        if len(envelope.state or "") > STATE_LENGTH_MAX:
            raise aspnet.Failure(f"State参数过长，最大{STATE_LENGTH_MAX}字符")
        if len(envelope.notify_hook or "") > HOOK_LENGTH_MAX:
            raise aspnet.Failure(f"NotifyHook参数过长，最大{HOOK_LENGTH_MAX}字符")
        if Word.QUOTA in words:
            raise aspnet.Failure("用户今日绘图次数已达上限")

    def _address(self, task: TrueAiTask, envelope: Envelope) -> None:
        task.words -= self._pool.manner.unknown_words
        task.state, task.notify_hook = envelope.state, envelope.notify_hook
        task.bot_type = envelope.bot_type
        if Word.SWEEP in task.words:
            task.life = SWEPT

    def _place(self, task: TrueAiTask, wanted: list[str]) -> None:
        task.request_mode = wanted[0] if wanted else None
        task.mode = found_mode(wanted, self._switches)
        task.properties = {
            "notifyHook": task.notify_hook,
            "nonce": snowflake(),
            "botType": task.bot_type,
            **({} if task.is_replicate else instance(task.account)),
            **task.properties,
        }


def _asks_for(account_id: str, account_filter: AccountFilter | None) -> bool:
    return account_filter is not None and account_filter.instance_id == account_id
