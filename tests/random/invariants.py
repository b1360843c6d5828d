"""I1 to I8 of what must always hold, each compared with what the shadow knows. All has ended."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from django.db.models import Sum

from billing.models import Entry, Token, Wallet
from relay.models import Attempt, Task
from tests.accounts import TERMINAL
from tests.random.world import CODE_AMOUNT, IMAGINE, World

# The sandbox's clock and the database's are the same, read at different moments.
CLOCK_MILLISECONDS = 50
# What carries no word of ours at some upstream; these are counted.
UPLOADS, CONFIRMATIONS = NAMELESS = ("/upload-discord-images", "/submit/modal")


class Found:
    """What the world has come to, read once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shadow = world.shadow
        self.tasks = {str(task.pk): task for task in Task.objects.all()}
        self.by_word: dict[str, list[Task]] = defaultdict(list)
        for task in self.tasks.values():
            self.by_word[task.state].append(task)
        self.entries = list(Entry.objects.order_by("id"))
        self.captured = {e.reference: -e.amount for e in self.entries if e.kind == "capture"}
        self.submits = world.place.stack.whole_submits()
        self.sends: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for submit in self.submits:
            if submit["path"].endswith(NAMELESS):
                continue
            state = str((submit["body"] or {}).get("state") or "")
            self.sends[state.partition(".")[0]].append(submit)

    def outside(self, tenant_id: int) -> int:
        return self.shadow.booked.get(tenant_id, 0)


def i1_nothing_is_ever_overdrawn(found: Found) -> list[str]:
    """Now, and after each entry: credit was never more than 5.00."""
    wrong = [f"wallet {w.pk}: {w.available}" for w in Wallet.objects.all() if w.available < 0]
    most = 5_000_000
    return wrong + [
        f"entry {entry.pk}: {entry.balance_after} - {entry.held_after}"
        for entry in found.entries
        if entry.balance_after - entry.held_after < -most
    ]


def i2_each_hold_has_ended_once(found: Found) -> list[str]:
    """Every task is over, so nothing is held any more, by no wallet and no key."""
    wrong = [f"{pk} is {t.status}" for pk, t in found.tasks.items() if t.status not in TERMINAL]
    wrong += [
        f"{row!r} {row.pk}: held {row.held}, open {row.open_holds}"
        for row in (*Wallet.objects.all(), *Token.objects.all())
        if row.held or row.open_holds
    ]
    holds = Counter(entry.reference for entry in found.entries if entry.kind == "hold")
    ends = Counter(e.reference for e in found.entries if e.kind in ("capture", "release"))
    if holds != ends or set(holds.values()) - {1}:
        wrong.append(f"holds and ends differ: {(holds - ends) + (ends - holds)}")
    return wrong


def i3_a_balance_is_what_came_in_and_what_was_paid(found: Found) -> list[str]:
    """The sum of the entries, and what we know to have paid in, given back and paid."""
    wrong = []
    for wallet in Wallet.objects.all():
        sums = Entry.objects.filter(wallet=wallet).aggregate(all=Sum("amount"))
        if wallet.balance != (sums["all"] or 0):
            wrong.append(f"wallet {wallet.pk}: {wallet.balance}, entries {sums['all']}")
        if wallet.is_test:
            continue
        paid = sum(
            e.amount for e in found.entries if (e.wallet_id, e.kind) == (wallet.pk, "capture")
        )
        expected = found.outside(wallet.tenant_id) + paid
        if wallet.balance != expected:
            wrong.append(f"wallet {wallet.pk}: {wallet.balance}, known {expected}")
    return wrong


def i4_nothing_reaches_an_upstream_unpaid(found: Found) -> list[str]:
    """Every submit that the sandbox got is of a task that had its hold before."""
    held_at: dict[str, float] = {}
    for entry in found.entries:
        if entry.kind == "hold":
            held_at.setdefault(entry.reference.partition(":")[0], entry.created_at.timestamp())
    uploads = sum(task.action == "UPLOAD" for task in found.tasks.values())
    confirmed = sum(entry.kind == "hold" and ":" in entry.reference for entry in found.entries)
    wrong = []
    for path, held in ((UPLOADS, uploads), (CONFIRMATIONS, confirmed)):
        sent = sum(submit["path"].endswith(path) for submit in found.submits)
        wrong += [f"{sent} times {path}, {held} holds"] if sent > held else []
    return wrong + [
        f"task {task_id!r}: {submit['path']} at {submit['at']}, held at {held_at.get(task_id)}"
        for task_id, submits in found.sends.items()
        for submit in submits
        if held_at.get(task_id, float("inf")) * 1000 > submit["at"] + CLOCK_MILLISECONDS
    ]


def i5_refunds_are_what_was_given_back(found: Found) -> list[str]:
    """Each within its payment, and none that we do not know."""
    refunded: Counter[str] = Counter()
    for entry in found.entries:
        if entry.kind == "refund":
            refunded[entry.reference] += entry.amount
    wrong = [f"{refunded} in the books, {found.shadow.refunded} known"]
    wrong = [] if dict(refunded) == found.shadow.refunded else wrong
    return wrong + [
        f"{reference}: {amount} of {found.captured.get(reference)}"
        for reference, amount in refunded.items()
        if amount > found.captured.get(reference, 0)
    ]


def i6_the_same_request_is_the_same_task(found: Found) -> list[str]:
    """However often it was sent. A request without a key was sent once, and is one task."""
    wrong = []
    for word, sent in found.shadow.sent.items():
        tasks = found.by_word[word]
        drawn = [task for task in tasks if task.status == "SUCCESS"]
        accepted = [s for task in tasks for s in found.sends[str(task.pk)] if s["accepted"]]
        is_confirmed = any(task.hold_suffix for task in tasks)
        if len(sent.accepted) > 1:
            wrong.append(f"{word}: different answers {sent.accepted}")
        if len(drawn) > 1 or (len(accepted) > 1 and not is_confirmed):
            wrong.append(f"{word}: drawn {drawn}, taken upstream {len(accepted)} times")
        if not sent.idempotency_key and len(tasks) > 1:
            wrong.append(f"{word}: sent once, tasks {tasks}")
        if sent.is_refused_for_sure and drawn:
            wrong.append(f"{word}: refused and drawn: {sent.answers} {drawn}")
        wrong += _not_as_told(found, sent)
    return wrong


def _not_as_told(found: Found, sent: Any) -> list[str]:
    """A task that was answered exists, is this request's or (code 21) an earlier equal one, and
    the modal's id is the drawing's."""
    told = [str(json.loads(content)["result"]) for content in sent.accepted if b"[" not in content]
    return [f"{sent.word}: told of {task_id}" for task_id in told if task_id not in found.tasks]


def i7_an_unknown_outcome_is_never_sent_again(found: Found) -> list[str]:
    """One send for each attempt, none after one whose end is not known; and what an upstream has
    taken is not given back as refused, whatever became of its answer."""
    wrong = []
    attempts: dict[str, list[str]] = defaultdict(list)
    for attempt in Attempt.objects.order_by("number"):
        attempts[str(attempt.task_id)].append(attempt.outcome)
    for task_id, outcomes in attempts.items():
        sends = found.sends[task_id]
        taken = sum(submit["accepted"] for submit in sends)
        refused = sum(outcome in ("refused", "unreachable") for outcome in outcomes)
        if len(sends) > len(outcomes) or taken > len(outcomes) - refused:
            wrong.append(f"{task_id}: {outcomes}, sent {len(sends)} times, taken {taken} times")
        if "unknown" in outcomes[:-1] or "sending" in outcomes:
            wrong.append(f"{task_id}: {outcomes}")
    return wrong


def i8_what_breaks_loses_no_money(found: Found) -> list[str]:
    """What was booked from outside is there once, whatever was killed meanwhile, and each drawing
    cost what it cost at its submit."""
    shadow = found.shadow
    wrong = list(shadow.problems)
    topups = {e.reference: e.amount for e in found.entries if e.kind == "topup"}
    known = shadow.topups | dict.fromkeys((f"code {code}" for code in shadow.redeemed), CODE_AMOUNT)
    live = {r: amount for r, amount in topups.items() if not r.startswith("test-money")}
    if Counter(live.values()) != Counter(known.values()):
        wrong.append(f"top-ups {live} in the books, {known} known")
    for word, sent in shadow.sent.items():
        wrong += [
            f"{word}: price {task.price} in {task.mode} at {task.submit_time}"
            for task in found.by_word[word]
            if task.action == "IMAGINE" and task.price not in _prices(found, sent, task)
        ]
    for task_id, status in shadow.ends.items():
        if found.tasks[task_id].status != status:
            wrong.append(f"task {task_id} was {status}, is {found.tasks[task_id].status}")
    return wrong


def _prices(found: Found, sent: Any, task: Task) -> set[int]:
    return found.shadow.possible_prices(
        IMAGINE,
        sent.mode,
        sent.customer,
        after=sent.began,
        before=task.submit_time / 1000 + CLOCK_MILLISECONDS / 1000,
    )


INVARIANTS: list[Callable[[Found], list[str]]] = [
    i1_nothing_is_ever_overdrawn,
    i2_each_hold_has_ended_once,
    i3_a_balance_is_what_came_in_and_what_was_paid,
    i4_nothing_reaches_an_upstream_unpaid,
    i5_refunds_are_what_was_given_back,
    i6_the_same_request_is_the_same_task,
    i7_an_unknown_outcome_is_never_sent_again,
    i8_what_breaks_loses_no_money,
]
