"""The promises, each looked at on its own and without the product's code."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from billing.models import Entry, Wallet
from relay.models import Callback
from tests.accounts import TERMINAL
from tests.faults.chaos.evidence import CONFIRMATION, Evidence

LEAST_SUCCESS = 0.4
# What a test wallet begins with (micro-units).
TEST_MONEY = 1_000_000_000
OF_TASKS = (Entry.Kind.HOLD, Entry.Kind.CAPTURE, Entry.Kind.RELEASE, Entry.Kind.REFUND)


class Finding(NamedTuple):
    """A promise, how much was looked at, and what contradicts it."""

    promise: str
    looked_at: int
    broken: list[str]


# (how much was looked at, what contradicts)
Seen = tuple[int, Iterable[str]]


def judge(found: Evidence) -> list[Finding]:
    findings = []
    for promise, look in _PROMISES.items():
        looked_at, broken = look(found)
        findings.append(Finding(promise, looked_at, list(broken)))
    return findings


def _all_terminal(found: Evidence) -> Seen:
    return len(found.tasks), (
        f"task {task.pk} is {task.status} at channel {task.channel_id}, looked at again "
        f"{task.next_poll_at}, expires {task.expires_at}"
        for task in found.tasks
        if task.status not in TERMINAL
    )


def _doctor_is_silent(found: Evidence) -> Seen:
    return len(found.entries), [found.doctor] if found.doctor else []


def _proofs_are_silent(found: Evidence) -> Seen:
    return len(found.entries), [found.proofs] if found.proofs else []


def _ends_are_told(found: Evidence) -> Seen:
    arrived = {(letter.task, letter.sequence, letter.status) for letter in found.received}
    told = [task for task in found.tasks if task.status in TERMINAL and task.notify_hook]
    return len(told), (
        f"task {task.pk}: {task.status} (sequence {task.sequence}) has not arrived"
        for task in told
        if (task.pk, task.sequence, task.status) not in arrived
    )


def _delivered_has_arrived(found: Evidence) -> Seen:
    arrived = {letter.message_id for letter in found.received}
    said = [row for row in found.callbacks if row.state == Callback.State.DELIVERED]
    return len(said), (row.message_id for row in said if row.message_id not in arrived)


def _never_backwards(found: Evidence) -> Seen:
    newest: dict[int, int] = {}
    broken = []
    for letter in found.received:
        if letter.sequence < newest.get(letter.task, 0):
            broken.append(f"{letter}, after sequence {newest[letter.task]}")
        newest[letter.task] = max(newest.get(letter.task, 0), letter.sequence)
    return len(found.received), broken


def _signed(found: Evidence) -> Seen:
    return len(found.letters), (str(one) for one in found.letters if one.answered == 400)


def _sent_once(found: Evidence) -> Seen:
    accepted = Counter(one.state for one in found.arrivals if one.is_accepted)
    # A refused confirmation may be repeated; everything else goes to an upstream once.
    sent = Counter((one.state, one.upstream) for one in found.arrivals if not one.is_confirmation)
    twice = [f"{state}: accepted {n} times" for state, n in accepted.items() if n > 1]
    twice += [f"{state}: {n} times at channel {name}" for (state, name), n in sent.items() if n > 1]
    return len(found.arrivals), twice


def _sent_has_its_task(found: Evidence) -> Seen:
    known = {str(task.pk) for task in found.tasks}
    known_upstream = {f"{CONFIRMATION}{task.upstream_id}" for task in found.tasks}
    return len(found.arrivals), (
        f"{one.state} at channel {one.upstream}"
        for one in found.arrivals
        if one.state.partition(".")[0] not in known and one.state not in known_upstream
    )


def _wished_once(found: Evidence) -> Seen:
    said = [said for said in found.records.said if said.wish.is_repeatable]
    broken = [f"{one.label} was told {one.ids}" for one in said if len(one.ids) > 1]
    drawn = defaultdict(list)
    for task in found.tasks:
        if task.status == "SUCCESS":
            drawn[task.state].append(task.pk)
    # And nothing more was drawn or paid for it either.
    broken += [f"{state} was drawn as {ids}" for state, ids in drawn.items() if len(ids) > 1]
    return len(said), broken


def _told_is_theirs(found: Evidence) -> Seen:
    tasks = {str(task.pk): task for task in found.tasks}
    told = [(said, task_id) for said in found.records.said for task_id in said.ids]
    return len(told), (
        f"{said.label} was told {task_id}"
        for said, task_id in told
        if task_id not in tasks or found.wish_of(tasks[task_id]) != said.wish
    )


def _seen_to_stay(found: Evidence) -> Seen:
    seen = [said for said in found.records.said if said.statuses]
    return len(seen), (
        f"{said.label}: {said.statuses}"
        for said in seen
        if "NOT FOUND" in said.statuses or "SUCCESS" in said.statuses[:-1]
    )


def _failures_are_free(found: Evidence) -> Seen:
    paid = found.captures()
    failed = [task for task in found.tasks if task.status != "SUCCESS"]
    return len(failed), (
        f"task {task.pk} is {task.status} and cost {paid[task.pk]}"
        for task in failed
        if paid.get(task.pk)
    )


def _paid_once(found: Evidence) -> Seen:
    paid = found.captures()
    return len(found.drawn), (
        f"task {task.pk} ({task.action}, {task.mode}) cost {paid.get(task.pk)}, its price is "
        f"{found.price_of(task)}"
        for task in found.drawn
        if paid.get(task.pk) != found.price_of(task)
    )


def _wallets_add_up(found: Evidence) -> Seen:
    spent: dict[tuple[int, bool], int] = defaultdict(int)
    for task in found.drawn:
        if task.pk not in found.refunded:
            spent[task.tenant_id, task.is_test] += found.price_of(task)
    return len(found.wallets), (
        f"wallet {wallet.pk}: balance {wallet.balance}, held {wallet.held}; paid in "
        f"{_paid_in(found, wallet)}, spent {spent[wallet.tenant_id, wallet.is_test]}"
        for wallet in found.wallets
        if wallet.held
        or wallet.balance != _paid_in(found, wallet) - spent[wallet.tenant_id, wallet.is_test]
    )


def _paid_in(found: Evidence, wallet: Wallet) -> int:
    return TEST_MONEY if wallet.is_test else found.customers[wallet.tenant_id].paid_in


def _tests_apart(found: Evidence) -> Seen:
    broken = []
    tasks = {str(task.pk): task for task in found.tasks}
    for task in found.tasks:
        wish = found.wish_of(task)
        if wish is None or task.is_test != (wish.key == "test"):
            broken.append(f"task {task.pk}, is_test {task.is_test}, of {wish}")
    is_test = {wallet.pk: wallet.is_test for wallet in found.wallets}
    for entry in found.entries:
        paid_for = tasks.get(entry.reference.partition(":")[0])
        is_strange = paid_for is None or paid_for.is_test != is_test[entry.wallet_id]
        if entry.kind in OF_TASKS and is_strange:
            broken.append(f"entry {entry.pk}: {entry.kind} of {entry.reference}")
    for one in found.arrivals:
        sent = tasks.get(one.state.partition(".")[0])
        if sent and sent.is_test != (one.upstream == "test"):
            broken.append(f"task {sent.pk}, is_test {sent.is_test}, sent to {one.upstream}")
    return len(found.entries), broken


def _nothing_died(found: Evidence) -> Seen:
    return len(found.happened), found.died


def _troubles_happened(found: Evidence) -> Seen:
    broken = [f"{one.trouble}: {one.error}" for one in found.happened if one.error]
    if missing := len(found.plan.troubles) - len(found.happened):
        broken.append(f"{missing} did not happen")
    return len(found.plan.troubles), broken


def _work_was_done(found: Evidence) -> Seen:
    number = sum(task.status == "SUCCESS" for task in found.tasks)
    is_enough = number >= LEAST_SUCCESS * len(found.plan.wishes)
    return len(found.plan.wishes), [] if is_enough else [f"only {number} have succeeded"]


_PROMISES: dict[str, Callable[[Evidence], Seen]] = {
    "every task is terminal": _all_terminal,
    "`manage.py doctor` is silent (entries)": _doctor_is_silent,
    "the tests' own proofs are silent (entries)": _proofs_are_silent,
    "every end with a hook was delivered, validly signed": _ends_are_told,
    "what counts as delivered has arrived": _delivered_has_arrived,
    "no message arrived after a later state of its task": _never_backwards,
    "every message was signed as its tenant expects": _signed,
    "no submit reached upstreams twice": _sent_once,
    "every submit that reached an upstream has its task": _sent_has_its_task,
    "what was asked for again and again is one task": _wished_once,
    "every id that a client was told is its own task": _told_is_theirs,
    "no client saw its picture go away again, or its task": _seen_to_stay,
    "nobody was charged for a failure": _failures_are_free,
    "every success was paid once, at the price of its mode": _paid_once,
    "every wallet has what was paid in, less its pictures": _wallets_add_up,
    "test keys touched no live wallet and no live channel (entries)": _tests_apart,
    "no process ended that nobody had killed (troubles)": _nothing_died,
    "every trouble happened, and was over again": _troubles_happened,
    "work was done all the same (wishes)": _work_was_done,
}
