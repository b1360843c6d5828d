"""Upstreams that answer a submit with nonsense, late, twice or not at all: what the tenant is told,
what the task becomes and what is paid agree."""

import time
from collections.abc import Callable, Iterator

import pytest
import requests

from relay.models import Callback, Task
from tests.accounts import Account, open_account, open_channel
from tests.faults.hostile import Exchange, HostileUpstream, hostile_upstream
from tests.faults.place import finish_all, hurry_tasks, until
from tests.proofs import prove
from tests.stack import Stack, free_port

# The stack has 1 s to connect and 2 s for an answer.
SUBMIT_SECONDS = 20
# For what happens while a submit is on its way.
PATIENT_SECONDS = 30


@pytest.fixture
def account(stack: Stack, upstream: HostileUpstream) -> Account:
    return open_account(stack, channel_url=upstream.url)


@pytest.fixture(scope="module")
def patient_web(
    stack: Stack, stack_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A web that waits for the answer to a submit until the worker has looked; the rest is
    everybody's."""
    env = stack_env | {"UPSTREAM_SUBMIT_SECONDS": str(PATIENT_SECONDS)}
    web = Stack(folder=tmp_path_factory.mktemp("patient"), env=env, drawing_seconds=0.4)
    web.sandbox_url = stack.sandbox_url
    web.start("web")
    yield web
    web.kill("web")


@pytest.fixture
def patient(patient_web: Stack, upstream: HostileUpstream) -> Account:
    return open_account(patient_web, channel_url=upstream.url)


def answering(body: bytes, *, status: int = 200, kind: str = "application/json"):
    return lambda exchange: exchange.reply(body, status=status, kind=kind)


def saying(**answer: object):
    return lambda exchange: exchange.reply_json(answer)


def cut(exchange: Exchange) -> None:
    exchange.connection.close()


# Nobody can say whether these have accepted it: the tenant has a task, and nobody else is asked.
UNKNOWN: dict[str, Callable[[Exchange], None]] = {
    "a code that is a text": saying(code="1", result="x"),
    "no code": saying(result="x"),
    "accepted without an id": saying(code=1, result=None),
    "accepted with an empty id": saying(code=1, result=""),
    "accepted with a list for an id": saying(code=1, result=["x"]),
    "accepted with a number for an id": saying(code=22, result=12345),
    "cut": cut,
    "a gateway's page": answering(b"<html>", status=502, kind="text/html"),
    "a gateway's time-out": answering(b"", status=504),
    "too much": answering(b'{"x":"' + b"x" * 20_000_000 + b'"}'),
    "half an answer": lambda e: (
        e.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{") and e.connection.close()
    ),
    "noise": lambda e: e.wfile.write(b"\x00\xff no http\r\n\r\n") and None,
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_answer_that_says_nothing_is_no_refusal(
    account: Account, upstream: HostileUpstream, name: str
) -> None:
    """It has accepted it all the same, and shows it to who looks."""
    second = open_channel(account.stack, group=account.tenant.name, priority=-1)
    upstream.on_submit = UNKNOWN[name]
    answer = account.request(
        "POST", "/mj/submit/imagine", json={"prompt": "no word of it"}, timeout=SUBMIT_SECONDS
    )
    assert answer.status_code == 200, answer.text
    task_id = str(answer.json()["result"])
    hurry_tasks(task_id)
    assert finish_all(account, [task_id]) == {task_id: "SUCCESS"}
    assert account.fetch(task_id)["description"] == "/imagine a lighthouse"
    assert len(upstream.submits) == 1
    assert Task.objects.get(pk=task_id).channel_id != second.pk
    assert account.funds == ("99.90", "0.00")
    prove(account.tenant.pk)


def test_an_id_that_is_too_long_to_be_kept(account: Account, upstream: HostileUpstream) -> None:
    """The task is found by our own word in it; it must not hang about until it expires."""
    long_id = "x" * 100
    upstream.on_submit = saying(code=1, result=long_id)
    upstream.own_id = lambda submit: long_id  # type: ignore[method-assign]
    task_id = account.draw("a long id")
    hurry_tasks(task_id)
    assert finish_all(account, [task_id], seconds=20) == {task_id: "SUCCESS"}
    prove(account.tenant.pk)


# Explicit noes: nothing was accepted, the money is free at once, the next channel is asked.
REFUSED: dict[str, Callable[[Exchange], None]] = {
    "queue full": saying(code=23, result=None),
    "no account": saying(code=3),
    "an error of its own": saying(code=9),
    "a code of another dialect": saying(code=-1),
    "no key": answering(b"", status=401),
    "too many": answering(b"slow down", status=429),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_leaves_nothing_behind(
    account: Account, upstream: HostileUpstream, name: str
) -> None:
    upstream.on_submit = REFUSED[name]
    answer = account.imagine("refused", notifyHook=account.stack.inbox_url(account.tenant.name))
    assert answer.status_code in (429, 502, 503), answer.text
    assert account.funds == ("100.00", "0.00")
    assert account.last_task.status == "FAILURE"
    prove(account.tenant.pk)
    account.awaken()
    with hostile_upstream() as other:
        open_channel(account.stack, group=account.tenant.name, priority=-1, url=other.url)
        task_id = account.draw("taken by the second")
        assert account.finish(task_id)["status"] == "SUCCESS"
        assert account.attempts(task_id) == ["refused", "accepted"]
        assert (len(upstream.submits), len(other.submits)) == (2, 1)
    assert account.funds == ("99.90", "0.00")
    prove(account.tenant.pk)


def test_the_hint_comes_before_the_answer(patient: Account, upstream: HostileUpstream) -> None:
    """The drawing is finished, polled and paid before the upstream has answered the submit."""

    def hint_first(exchange: Exchange) -> None:
        upstream.hint(exchange.body)
        until(lambda: patient.last_task.status == "SUCCESS", "the poll")
        upstream.accept(exchange)

    upstream.on_submit = hint_first
    task_id = patient.draw("hint first")
    assert patient.fetch(task_id)["status"] == "SUCCESS"
    assert patient.attempts(task_id) == ["accepted"]
    assert len(patient.entries(task_id)) == 2
    prove(patient.tenant.pk)


# It says no at last, although it has the task, shows it and draws it.
TOO_LATE: dict[str, Callable[[Exchange], None]] = {
    "queue full": REFUSED["queue full"],
    "an error of its own": REFUSED["an error of its own"],
    "a banned word": saying(code=24, properties={"bannedWord": "cat"}),
    "a broken page": answering(b"<html>500</html>", status=500, kind="text/html"),
}


@pytest.mark.parametrize("name", TOO_LATE)
@pytest.mark.parametrize("status", ["SUCCESS", "IN_PROGRESS"])
def test_a_no_that_comes_after_the_task_was_seen_there(
    patient: Account, upstream: HostileUpstream, name: str, status: str
) -> None:
    """Whoever is told of an error pays nothing; whoever pays has been told of a task. What the
    upstream shows counts for more than what it said."""
    with hostile_upstream() as other:
        open_channel(patient.stack, group=patient.tenant.name, priority=-1, url=other.url)

        def hint_then_no(exchange: Exchange) -> None:
            upstream.hint(exchange.body)
            until(lambda: patient.last_task.status == status, "the poll")
            TOO_LATE[name](exchange)

        upstream.status = status
        upstream.on_submit = hint_then_no
        answer = patient.imagine("seen, then refused")
        upstream.status = "SUCCESS"
        hurry_tasks(patient.last_task.pk)
        until(lambda: patient.wallet.held == 0, "the end")
        assert answer.status_code == 200, (answer.text, patient.last_task.status)
        assert patient.funds == ("99.90", "0.00")
        # The first one has it: nobody else may draw it too.
        assert len(other.submits) == 0
    prove(patient.tenant.pk)


def test_an_upstream_that_is_not_there(account: Account) -> None:
    """No connection proves that nothing was sent: the money is free at once, the next is asked."""
    gone = f"http://127.0.0.1:{free_port()}"
    type(account.channel).objects.filter(pk=account.channel.pk).update(base_url=gone)
    assert account.imagine("nobody there").json()["type"] == "no_channel"
    assert account.funds == ("100.00", "0.00")
    with hostile_upstream() as other:
        open_channel(account.stack, group=account.tenant.name, priority=-1, url=other.url)
        task_id = account.draw("somebody there")
        assert account.finish(task_id)["status"] == "SUCCESS"
    assert account.attempts(task_id) == ["unreachable", "accepted"]
    prove(account.tenant.pk)


# Words that steer the sandbox: (HTTP status, the task's end, how often the submit was accepted).
WORDS = {
    "zzcut": (200, "SUCCESS", 1),
    "zzhang": (200, "SUCCESS", 1),
    "zzqueue": (200, "SUCCESS", 1),
    "zztwice": (200, "SUCCESS", 1),
    "zzjumble": (200, "SUCCESS", 1),
    "zzmute": (200, "SUCCESS", 1),
    "zzcut zzmute": (200, "SUCCESS", 1),
    "zzfail": (200, "FAILURE", 1),
    "zzcut zzfail": (200, "FAILURE", 1),
    "zzlost": (200, "FAILURE", 1),
    "zzdead": (200, "FAILURE", 0),
    "zz502": (200, "FAILURE", 0),
    "zzban": (400, "FAILURE", 0),
    "zzfull": (429, "FAILURE", 0),
    "zzcode3": (503, "FAILURE", 0),
    "zz500": (502, "FAILURE", 0),
}


@pytest.mark.parametrize("words", WORDS)
def test_the_sandbox_misbehaves(stack: Stack, words: str) -> None:
    status, end, accepted = WORDS[words]
    account = open_account(stack)
    prompt = f"{words} of {account.tenant.name}"
    answer = account.imagine(prompt, notifyHook=stack.inbox_url(account.tenant.name))
    assert answer.status_code == status, answer.text
    task_id = str(account.last_task.pk)
    hurry_tasks(task_id)
    assert finish_all(account, [task_id]) == {task_id: end}
    submits = stack.submits(prompt)
    assert len(submits) == 1
    assert sum(submit["accepted"] for submit in submits) == accepted
    assert account.funds == (("99.90", "0.00") if end == "SUCCESS" else ("100.00", "0.00"))
    told = Callback.objects.filter(task=task_id, is_final=True).count()
    assert told == (1 if status == 200 else 0)
    prove(account.tenant.pk)


def test_a_hint_from_an_upstream_that_then_refuses(
    patient: Account, upstream: HostileUpstream
) -> None:
    """The hint makes us look while the submit is on its way. There is nothing to see, and the
    refusal that follows counts as if nobody had looked: the second channel is asked."""
    with hostile_upstream() as other:
        open_channel(patient.stack, group=patient.tenant.name, priority=-1, url=other.url)

        def hint_then_no(exchange: Exchange) -> None:
            upstream.hint(exchange.body)
            until(lambda: "/mj/task/list" in upstream.asked, "the search")
            # For what it found to be stored.
            time.sleep(0.2)
            exchange.reply_json({"code": 23})

        upstream.rows = []
        upstream.on_submit = hint_then_no
        task_id = patient.draw("nothing to see")
        assert patient.finish(task_id)["status"] == "SUCCESS"
    assert patient.attempts(task_id) == ["refused", "accepted"]
    assert patient.funds == ("99.90", "0.00")
    prove(patient.tenant.pk)


def test_hints_by_the_hundred_change_nothing(account: Account, upstream: HostileUpstream) -> None:
    upstream.status = "IN_PROGRESS"
    task_id = account.draw("many hints")
    word = upstream.submits[0]["notifyHook"]
    for number in range(100):
        lie = {"id": f"lie-{number}", "status": "SUCCESS", "imageUrl": "http://x/1.png"}
        assert requests.post(word, json=lie, timeout=5).status_code == 200
    assert requests.post(word + "x", json={}, timeout=5).status_code == 404
    assert account.fetch(task_id)["status"] in ("SUBMITTED", "IN_PROGRESS")
    upstream.status = "SUCCESS"
    assert account.finish(task_id)["status"] == "SUCCESS"
    assert account.funds == ("99.90", "0.00")
    prove(account.tenant.pk)


def test_late_success_of_a_task_that_was_given_up(
    account: Account, upstream: HostileUpstream
) -> None:
    """The upstream says FAILURE and later SUCCESS: the first end is the end, paid or not."""
    upstream.status = "FAILURE"
    task_id = account.draw("failed, then drawn")
    assert account.finish(task_id)["status"] == "FAILURE"
    upstream.status = "SUCCESS"
    upstream.hint(upstream.submits[0])
    time.sleep(0.6)
    assert account.funds == ("100.00", "0.00")
    assert account.fetch(task_id)["status"] == "FAILURE"
    prove(account.tenant.pk)
