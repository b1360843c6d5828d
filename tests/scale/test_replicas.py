"""Web, worker and clock twice, on one PostgreSQL and one Redis: limits are those of one, nothing is
done twice, and a replica that dies takes nothing with it."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
import requests
from django.utils import timezone

from relay.models import Callback, Task
from relay.serving import turn
from tests.accounts import Account
from tests.faults.place import finish_all, until
from tests.faults.test_kills import assert_all_drawn_and_told, final_messages
from tests.limits import limit_key
from tests.proofs import prove
from tests.races.together import raised, together
from tests.scale.machines import PRODUCT, Machines, two_machines

# No hint of the upstream either has somebody look at it.
HANGS = "zzslow zzmute"
LOOKS = "list-by-condition"
KILLED_TASKS = 40
TELL_SECONDS = 40
LONG_AGO = "2020-01-01T00:00Z"
FAR_OFF = "2100-01-01T00:00Z"
STANDS_BY = "another clock ticks"
# The clock's message as it is put into Redis, and the process that did.
TICK = re.compile(r'^LPUSH poll .*"relay\.jobs\.poll\\?".*origin\\?": \\?"gen(\d+)@')


@pytest.fixture(scope="module")
def running(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with two_machines(tmp_path_factory.mktemp("machines"), own_database_url) as machines:
        yield machines


@pytest.fixture
def machines(running: Machines) -> Machines:
    running.whole()
    return running


def submit_at_both(pair: tuple[Account, Account], number: int, prompt: str) -> Counter[str]:
    """So many at each of the two at the same moment: how many got which answer."""
    answers = together([lambda a=account: a.imagine(prompt) for account in pair] * number)
    assert not raised(answers), raised(answers)[:3]
    return Counter(
        "accepted" if answer.status_code == 200 else str(answer.json()["type"])
        for answer in answers
    )


def test_a_rate_is_one_for_both(machines: Machines) -> None:
    pair = machines.account()
    limit_key(pair[0], rpm=20)
    assert submit_at_both(pair, 60, "rate") == {"accepted": 20, "rate_limited": 100}
    assert pair[0].written["tasks"] == 20


def test_so_are_the_tasks_at_once(machines: Machines) -> None:
    pair = machines.account()
    limit_key(pair[0], concurrency=5)
    assert submit_at_both(pair, 30, HANGS) == {"accepted": 5, "concurrency_limited": 55}
    prove(pair[0].tenant.pk)


def test_a_channels_cap_is_one_for_both(machines: Machines) -> None:
    pair = machines.account()
    channel = pair[0].channel
    channel.concurrency = 4
    channel.save()
    answers = submit_at_both(pair, 20, HANGS)
    assert answers["accepted"] == 4, answers
    assert Task.objects.live().filter(channel_id=channel.pk).count() == 4


def test_a_wallet_for_fifty_drawings_pays_for_fifty(machines: Machines) -> None:
    pair = machines.account(funds="5")
    assert submit_at_both(pair, 60, "wallet") == {"accepted": 50, "quota_not_enough": 70}
    account = pair[0]
    until(lambda: account.funds == ("0.00", "0.00"), "the last cent", seconds=30)
    kinds = Counter(kind for kind, _, _ in account.entries())
    assert kinds == {"topup": 1, "hold": 50, "capture": 50}
    prove(account.tenant.pk)


def test_the_same_request_at_both_is_one_task(machines: Machines) -> None:
    pair = machines.account()
    headers = {"Idempotency-Key": "once"}
    body = {"prompt": "the same at both"}

    def send(account: Account) -> requests.Response:
        return account.request("POST", "/mj/submit/imagine", json=body, headers=headers)

    answers = together([lambda a=account: send(a) for account in pair] * 15)
    assert not raised(answers)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len(pair[0].stack.submits("the same at both")) == 1
    assert pair[0].written["tasks"] == 1


def test_a_look_that_hangs_is_not_taken_up_by_the_other_worker(machines: Machines) -> None:
    """Nor by its own; both workers and the clock go on meanwhile."""
    account, other = machines.account()
    ids = [sender.draw(f"{HANGS} looks") for sender in (account, other, account, other, account)]
    put_aside()
    before = calls(machines)
    control(machines, hang_polls=True)
    try:
        Task.objects.filter(pk__in=ids).update(next_poll_at=LONG_AGO)
        until(lambda: len(leases(ids)) == len(ids), "the look")
        taken = leases(ids)
        # As a rule they are one question; two workers may have shared them out.
        questions = before + len(set(taken.values()))
        until(lambda: calls(machines) == questions, "the question")
        senders(machines, ticks=25)
        assert (calls(machines), leases(ids)) == (questions, taken)
    finally:
        control(machines, hang_polls=False)


def test_each_end_is_told_once(machines: Machines) -> None:
    pair = machines.account()
    account = pair[0]
    hook = account.stack.inbox_url(account.tenant.name)
    ids = [sender.draw("told once", notifyHook=hook) for sender in pair * 15]
    assert_all_drawn_and_told(account, ids, "told once")
    assert all(len(messages) == 1 for messages in final_messages(account).values())
    assert all(len(account.tries(task_id)) == 1 for task_id in ids)


def test_one_clock_ticks_and_the_other_takes_over(machines: Machines) -> None:
    for _ in range(2):
        (pid,) = senders(machines)
        holder, waiting = sorted(machines.both, key=lambda one: one.processes["beat"].pid != pid)
        holder.kill("beat")
        assert senders(machines) == {waiting.processes["beat"].pid}
        said = holder.log("beat").count(STANDS_BY)
        holder.start("beat")
        until(lambda m=holder, n=said: m.log("beat").count(STANDS_BY) > n, "its standing by")
        assert senders(machines) == {waiting.processes["beat"].pid}


def test_a_clock_that_is_stopped_hands_over_at_once(machines: Machines) -> None:
    (pid,) = senders(machines)
    holder = next(one for one in machines.both if one.processes["beat"].pid == pid)
    with machines.redis.client() as client:
        mine = client.get(turn.KEY)
        holder.stop("beat")
        assert client.get(turn.KEY) != mine


def test_a_redis_that_comes_back_empty_has_one_clock_again(machines: Machines) -> None:
    pair = machines.account()
    account = pair[0]
    hook = account.stack.inbox_url(account.tenant.name)
    ids = [sender.draw("no turn", notifyHook=hook) for sender in pair * 5]
    machines.redis.kill()
    ids += [sender.draw("no turn", notifyHook=hook) for sender in pair * 5]
    machines.redis.start()
    until(lambda: not live(ids), "the end of all", seconds=TELL_SECONDS)
    assert_all_drawn_and_told(account, ids, "no turn")
    until(lambda: len(senders(machines)) == 1, "one clock again")


@pytest.mark.parametrize("name", PRODUCT)
def test_a_replica_that_dies_takes_nothing_with_it(machines: Machines, name: str) -> None:
    """Clients ask the other machine when one does not answer, with the same Idempotency-Key."""
    pair = machines.account()
    account = pair[0]

    def draw(number: int) -> str:
        return draw_anywhere(pair, f"{name} dies {number}.")

    with ThreadPoolExecutor(8) as clients:
        drawing = clients.map(draw, range(KILLED_TASKS))
        until(lambda: account.written["tasks"] >= KILLED_TASKS // 4, "the first tasks")
        machines.second.kill(name)
        accepted = [task_id for task_id in drawing if task_id]
    # At most those that were under way there have no answer.
    assert len(set(accepted)) == len(accepted) >= KILLED_TASKS - 8
    ids = list(Task.objects.filter(tenant=account.tenant).values_list("pk", flat=True))
    Task.objects.live().filter(pk__in=ids).update(next_poll_at=LONG_AGO)
    until(lambda: not live(ids), "the end of all", seconds=TELL_SECONDS)
    assert set(finish_all(account, accepted).values()) == {"SUCCESS"}
    submits = Counter(submit["body"]["prompt"] for submit in account.stack.submits(f"{name} dies"))
    assert max(submits.values()) == 1
    until(lambda: set(final_messages(account)) >= set(accepted), "the final messages")
    assert all(len(set(messages)) == 1 for messages in final_messages(account).values())
    assert account.wallet.held == 0
    prove(account.tenant.pk)


def test_nothing_of_all_this_has_left_a_wrong_cent_anywhere(machines: Machines) -> None:
    pending = Callback.objects.filter(state=Callback.State.PENDING)
    until(lambda: not pending.exists(), "all messages", seconds=TELL_SECONDS)
    prove()


def draw_anywhere(pair: tuple[Account, Account], prompt: str) -> str:
    """The task's id; "" when nobody knows what has become of the request: it was under way at the
    machine that died."""
    hook = pair[0].stack.inbox_url(pair[0].tenant.name)
    body = {"prompt": prompt, "notifyHook": hook}
    headers = {"Idempotency-Key": prompt}
    for account in pair:
        try:
            answer = account.request("POST", "/mj/submit/imagine", json=body, headers=headers)
        except requests.RequestException:
            continue
        if answer.status_code == 200:
            return str(answer.json()["result"])
        assert answer.json()["type"] == "idempotency_in_progress", answer.text
    return ""


def live(ids: list[str]) -> bool:
    return Task.objects.live().filter(pk__in=ids).exists()


def control(machines: Machines, **switches: object) -> None:
    answer = requests.post(
        f"{machines.first.sandbox_url}/sandbox/control", json=switches, timeout=5
    )
    assert answer.status_code == 200, answer.text


def calls(machines: Machines) -> int:
    counts = requests.get(f"{machines.first.sandbox_url}/sandbox/calls", timeout=5).json()
    return sum(number for path, number in counts.items() if LOOKS in path)


def leases(ids: list[str]) -> dict[int, datetime]:
    """Until when each of them is somebody's to look at."""
    looked_at = Task.objects.filter(pk__in=ids, leased_until__gt=timezone.now())
    return dict(looked_at.values_list("pk", "leased_until"))


def put_aside() -> None:
    """Nobody looks at any task, now or by himself: of those that end somebody may be told."""
    live = Task.objects.live()
    until(lambda: not live.exclude(prompt__startswith=HANGS).exists(), "all others", seconds=40)

    def nobody_looks() -> bool:
        live.update(next_poll_at=FAR_OFF)
        return not live.filter(leased_until__gt=timezone.now()).exists()

    until(nobody_looks, "the end of all looks", seconds=30)
    live.update(next_poll_at=FAR_OFF)


def senders(machines: Machines, *, ticks: int = 10) -> set[int]:
    """The processes that send the next so many ticks."""
    pids: list[int] = []
    with machines.redis.client() as client, client.monitor() as monitor:
        for said in monitor.listen():
            if found := TICK.search(said["command"]):
                pids.append(int(found[1]))
            if len(pids) == ticks:
                return set(pids)
    raise AssertionError
