"""kill -9 of anything at any moment of a task's life, then a restart: the task ends, the money is
right, the final message arrives."""

import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
import requests
from celery import Celery
from django.db import connection
from django.utils import timezone

from relay.models import Attempt, Callback, Task
from tests.accounts import Account
from tests.faults.place import (
    PROCESSES,
    Place,
    begin,
    end_leases,
    finish_all,
    hurry_callbacks,
    hurry_tasks,
    open_place,
    until,
)
from tests.proofs import prove
from tests.stack import Stack

DRAWING_SECONDS = 1
# Nothing of ten is drawn before the last of them is begun.
LONG_DRAWING_SECONDS = 6


@pytest.fixture(scope="module")
def running_place(
    own_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("kills")
    with open_place(folder, own_database_url, drawing_seconds=DRAWING_SECONDS) as place:
        yield place


@pytest.fixture
def place(running_place: Place) -> Place:
    running_place.whole()
    return running_place


@pytest.fixture
def account(place: Place) -> Account:
    return place.account()


def draw(account: Account, place: Place, prompt: str, *, tasks: int = 10) -> list[str]:
    return [account.draw(prompt, notifyHook=place.hook(account)) for _ in range(tasks)]


def final_messages(account: Account) -> dict[str, list[str]]:
    """The `webhook-id`s of the final messages that arrived, by task."""
    arrived: dict[str, list[str]] = {}
    for message in account.stack.inbox(account.tenant.name):
        body = json.loads(message["body"])
        if body["status"] in ("SUCCESS", "FAILURE"):
            arrived.setdefault(body["id"], []).append(message["headers"]["webhook-id"])
    return arrived


def assert_all_drawn_and_told(account: Account, ids: list[str], prompt: str) -> None:
    """Each was drawn once, paid once, and its end was told; nothing else happened."""
    assert set(finish_all(account, ids).values()) == {"SUCCESS"}
    assert len(account.stack.submits(prompt)) == len(ids)
    until(lambda: set(final_messages(account)) == set(ids), "the final messages")
    # One may come twice, its id does not change then.
    assert all(len(set(messages)) == 1 for messages in final_messages(account).values())
    assert account.wallet.held == 0
    assert account.wallet.balance == 100_000_000 - 100_000 * len(ids)
    prove(account.tenant.pk)


def send(account: Account, prompt: str, answers: list[object], **fields: str) -> Thread:
    """A submit whose client does not care what becomes of it."""

    def run() -> None:
        try:
            answers.append(account.imagine(prompt, **fields))
        except requests.RequestException as error:
            answers.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    return thread


def submit(account: Account, prompt: str, *, seconds: float, **fields: str) -> requests.Response:
    """A client that waits no longer than this."""
    body = {"prompt": prompt, **fields}
    return account.request("POST", "/mj/submit/imagine", json=body, timeout=seconds)


def only_task(account: Account) -> Task:
    return Task.objects.get(tenant=account.tenant)


def test_web_dies_in_the_middle_of_a_submit(place: Place, account: Account) -> None:
    """The upstream has the task and draws it; its answer has nobody to come to."""
    # zzmute: no hint tells us either, the task must be searched for.
    prompt = "zzhang zzmute web dies"
    answers: list[object] = []
    thread = send(account, prompt, answers, notifyHook=place.hook(account))
    until(lambda: any(s["accepted"] for s in account.stack.submits(prompt)), "the submit")
    place.kill("web")
    thread.join(10)
    assert isinstance(answers[0], requests.RequestException)
    task = only_task(account)
    assert (task.status, task.upstream_id) == ("NOT_START", "")
    # Looked for by itself, when no submit can be under way any more.
    assert timedelta(0) < task.next_poll_at - timezone.now() < timedelta(seconds=10)
    prove(account.tenant.pk)
    place.stack.start("web")
    hurry_tasks(task.pk)
    assert_all_drawn_and_told(account, [str(task.pk)], prompt)
    assert account.attempts(task.pk) == ["accepted"]


def test_web_dies_between_commit_and_send(place: Place, account: Account) -> None:
    """Nothing was sent, and nobody can know: it is looked for, given its grace, and given back."""
    task_id = begin(account, "never sent", hook=place.hook(account))
    assert account.funds == ("100.00", "0.10")
    hurry_tasks(task_id)
    assert finish_all(account, [str(task_id)]) == {str(task_id): "FAILURE"}
    assert account.stack.submits("never sent") == []
    assert account.funds == ("100.00", "0.00")
    assert account.attempts(task_id) == ["unknown"]
    until(lambda: str(task_id) in final_messages(account), "the final message")
    prove(account.tenant.pk)


def test_the_worker_dies_while_tasks_run(place: Place, account: Account) -> None:
    control(place, drawing_seconds=LONG_DRAWING_SECONDS)
    try:
        ids = draw(account, place, "worker dies")
        place.kill("worker")
        until(lambda: all_drawn_upstream(account), "the drawings")
    finally:
        control(place, drawing_seconds=DRAWING_SECONDS)
    assert account.wallet.held == 100_000 * len(ids)
    place.stack.start("worker")
    end_leases(account, ids)
    assert_all_drawn_and_told(account, ids, "worker dies")


def test_the_worker_dies_while_it_polls(place: Place, account: Account) -> None:
    """The look was under way; nobody else looks before its lease has ended."""
    ids = draw(account, place, "worker dies polling")
    control(place, hang_polls=True)
    try:
        known = calls(place, "list-by-condition")
        until(lambda: calls(place, "list-by-condition") > known, "a poll that hangs")
        place.kill("worker")
    finally:
        control(place, hang_polls=False)
    place.stack.start("worker")
    end_leases(account, ids)
    assert_all_drawn_and_told(account, ids, "worker dies polling")


def test_the_worker_dies_while_it_delivers(place: Place, account: Account) -> None:
    hook = place.hook(account, "?sleep=1")
    ids = [account.draw("worker dies delivering", notifyHook=hook)]
    until(lambda: final_messages(account), "the first try", seconds=20)
    place.kill("worker")
    message = account.callback(ids[0])
    assert (message.state, message.tries, message.attempts.count()) == ("pending", 1, 0)
    place.stack.start("worker")
    # The lease of the dead worker's try.
    hurry_callbacks(account)
    until(lambda: account.callback(ids[0]).state == Callback.State.DELIVERED, "a second try")
    assert len(final_messages(account)[ids[0]]) == 2
    assert_all_drawn_and_told(account, ids, "worker dies delivering")


def test_redis_dies_while_tasks_run_and_comes_back_empty(place: Place, account: Account) -> None:
    """No process but Redis is started again; submits need no Redis at all."""
    before = draw(account, place, "redis dies", tasks=5)
    place.redis.kill()
    during = draw(account, place, "redis dies", tasks=5)
    until(lambda: all_drawn_upstream(account), "the drawings")
    place.redis.start()
    # What had been handed to Redis is nobody's until then.
    end_leases(account, before + during)
    assert_all_drawn_and_told(account, before + during, "redis dies")


def test_redis_forgets_everything_while_all_are_connected(place: Place, account: Account) -> None:
    ids = draw(account, place, "redis forgets", tasks=3)
    place.redis.empty()
    ids += draw(account, place, "redis forgets", tasks=3)
    place.redis.empty()
    end_leases(account, ids)
    assert_all_drawn_and_told(account, ids, "redis forgets")


def test_a_hanging_redis_delays_no_submit(place: Place, account: Account) -> None:
    place.redis.suspend()
    try:
        answers = [submit(account, "redis hangs", seconds=1) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
    finally:
        place.redis.resume()
    ids = [str(answer.json()["result"]) for answer in answers]
    assert set(finish_all(account, ids, seconds=30).values()) == {"SUCCESS"}
    prove(account.tenant.pk)


def test_everything_dies_at_once(place: Place, account: Account) -> None:
    hung: list[object] = []
    thread = send(account, "zzhang all die", hung, notifyHook=place.hook(account))
    ids = draw(account, place, "all die")
    until(lambda: len(account.stack.submits("all die")) == len(ids) + 1, "the hung submit")
    place.kill(*PROCESSES)
    place.redis.kill()
    thread.join(10)
    prove(account.tenant.pk)
    place.redis.start()
    place.stack.start(*PROCESSES)
    ids = [
        str(pk) for pk in Task.objects.filter(tenant=account.tenant).values_list("pk", flat=True)
    ]
    end_leases(account, ids)
    assert_all_drawn_and_told(account, ids, "all die")


def test_the_upstream_forgets_everything(place: Place, account: Account) -> None:
    """midjourney-proxy keeps its tasks in memory: after its restart it knows none of them."""
    ids = draw(account, place, "forgotten", tasks=5)
    control(place, forget=True)
    assert set(finish_all(account, ids).values()) == {"FAILURE"}
    assert account.funds == ("100.00", "0.00")
    assert {account.fetch(task_id)["failReason"] for task_id in ids} == {
        "the upstream has lost the task"
    }
    until(lambda: set(final_messages(account)) == set(ids), "the final messages")
    prove(account.tenant.pk)


def test_the_client_hangs_up_during_the_submit(place: Place, account: Account) -> None:
    """The task exists, so it goes on, and its outcome is stored although nobody waits for it."""
    prompt = "zzhang client hangs up"
    with pytest.raises(requests.ReadTimeout):
        submit(account, prompt, seconds=0.3, notifyHook=place.hook(account))
    task = only_task(account)
    until(lambda: account.attempts(task.pk) == ["accepted"], "the outcome")
    assert_all_drawn_and_told(account, [str(task.pk)], prompt)


def test_clients_hang_up_at_once(place: Place, account: Account) -> None:
    """They send their submit and are gone. What was begun has an outcome, and one only."""
    for number in range(20):
        body = json.dumps({"prompt": f"gone {number}", "notifyHook": place.hook(account)})
        head = (
            f"POST /mj/submit/imagine HTTP/1.1\r\nHost: relay\r\n"
            f"Authorization: Bearer {account.key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", place.stack.port)) as client:
            client.sendall((head + body).encode())
            client.shutdown(socket.SHUT_RDWR)
    until(lambda: Task.objects.filter(tenant=account.tenant).count() == 20, "the submits")
    ids = [
        str(pk) for pk in Task.objects.filter(tenant=account.tenant).values_list("pk", flat=True)
    ]
    assert_all_drawn_and_told(account, ids, "gone")


def test_every_message_comes_twenty_times(place: Place, account: Account) -> None:
    """Brokers deliver at least once: jobs with the same arguments, at the same time."""
    ids = draw(account, place, "messages repeated", tasks=3)
    numbers = [int(task_id) for task_id in ids]
    with Celery(broker=place.redis.url.replace("unix://", "redis+socket://")) as broker:

        def repeat(job: str, queue: str, *arguments: object) -> None:
            for _ in range(20):
                broker.send_task(f"relay.jobs.{job}", arguments, queue=queue)

        for _ in range(5):
            repeat("poll_batch", "poll", account.channel.pk, numbers)
            repeat("poll", "poll")
            repeat("deliver_due", "deliver")
            for message in Callback.objects.filter(task__in=numbers, state="pending"):
                repeat("deliver", "deliver", message.pk, message.tries)
            time.sleep(DRAWING_SECONDS / 4)
    assert_all_drawn_and_told(account, ids, "messages repeated")
    # Nothing died here, so nothing may come twice either.
    assert all(len(messages) == 1 for messages in final_messages(account).values())


def test_a_clean_stop_in_the_middle_of_submits(place: Place, account: Account) -> None:
    """Web and worker are told to stop, as at an upgrade: who waits for an answer gets it."""
    answers: list[object] = []
    prompt = "zzhang clean stop"
    threads = [send(account, prompt, answers, notifyHook=place.hook(account)) for _ in range(5)]
    until(lambda: len(account.stack.submits(prompt)) == 5, "the submits")
    stopping = [place.stack.processes.pop(name) for name in ("web", "worker")]
    for process in stopping:
        process.terminate()
    for thread in threads:
        thread.join(10)
    codes = [answer.status_code for answer in answers if isinstance(answer, requests.Response)]
    assert codes == [200] * 5, answers
    for process in stopping:
        process.wait(10)
    place.stack.start("web", "worker")
    ids = [
        str(pk) for pk in Task.objects.filter(tenant=account.tenant).values_list("pk", flat=True)
    ]
    hurry_tasks(*ids)
    assert_all_drawn_and_told(account, ids, prompt)


def test_two_workers_and_two_clocks(place: Place, account: Account, tmp_path: Path) -> None:
    """Somebody has started everything twice."""
    others = Stack(folder=tmp_path, env=place.stack.env, drawing_seconds=1)
    others.start("worker", "beat")
    try:
        until(lambda: "celery@" in others.log("worker"), "the second worker")
        ids = draw(account, place, "everything twice", tasks=20)
        assert_all_drawn_and_told(account, ids, "everything twice")
        assert all(len(messages) == 1 for messages in final_messages(account).values())
    finally:
        others.kill("worker", "beat")


def test_a_table_gets_a_column_while_everything_runs(place: Place, account: Account) -> None:
    """An upgrade's migration must not break the prepared statements of the old processes."""
    ids = draw(account, place, "new column", tasks=3)
    with_ddl("ALTER TABLE billing_entry ADD COLUMN later text")
    with_ddl("ALTER TABLE billing_wallet ADD COLUMN later text")
    with_ddl("ALTER TABLE relay_task ADD COLUMN later text")
    ids += draw(account, place, "new column", tasks=3)
    assert_all_drawn_and_told(account, ids, "new column")


def with_ddl(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def control(place: Place, **switches: object) -> None:
    answer = requests.post(f"{place.stack.sandbox_url}/sandbox/control", json=switches, timeout=5)
    assert answer.status_code == 200, answer.text


def calls(place: Place, route: str) -> int:
    counts = requests.get(f"{place.stack.sandbox_url}/sandbox/calls", timeout=5).json()
    return sum(count for path, count in counts.items() if route in path)


def all_drawn_upstream(account: Account) -> bool:
    rows = requests.get(f"{account.channel.base_url}/mj/task/list", timeout=5).json()
    return all(row["status"] == "SUCCESS" for row in rows)


def test_nothing_of_all_this_has_left_a_wrong_cent_anywhere(place: Place) -> None:
    assert not Attempt.objects.filter(outcome="sending").exists()
    prove()
