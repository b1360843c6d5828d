"""An operator gives the price of a task back. (The ledger does not know tasks.)"""

from billing import ledger
from relay.models import Task


def refund(
    task: Task, *, amount: int | None, actor: str, memo: str, refunded_before: int | None = None
) -> int:
    """Gives back `amount` micro-units of what was paid for the task, None: what is left of it.
    Wallet, key budgets and usage totals go back in one transaction. Returns what was given back.

    `refunded_before`: as in ledger.refund. Raises NothingCaptured, RefundRefused, and ValueError
    when nobody does it.
    """
    if not actor:
        raise ValueError("a refund needs somebody who gives it")
    return ledger.refund(
        reference=task.hold_reference,
        amount=amount,
        actor=actor,
        memo=memo,
        refunded_before=refunded_before,
    )
