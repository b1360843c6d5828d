"""Old weeks go while everybody works: nobody notices, and the books are right at any moment."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
import requests
from django.db import connection
from django.utils import timezone

from billing import management_keys, usage
from billing.errors import RefundRefused
from billing.models import CarriedWeek, Tenant
from billing.tokens import authenticate
from common.partitions import dropping, weeks
from relay import signing
from relay.messages import callbacks
from relay.models import Callback, DroppedWeek, Task
from relay.operators import refunds
from tests.faults.place import Place, open_place
from tests.proofs import prove
from tests.stack import wait_until
from tests.weeks.past import Past, doctor, drop, long_past, mondays, tasks_of

# Few weeks go, so that it does not take long.
KEEP = {"KEEP_TASKS_DAYS": 35, "KEEP_ENTRIES_DAYS": 42}
SUBMITTERS = 4
# Whoever comes to a table while it is taken for a moment waits for that moment only.
SLOWEST_SECONDS = 10.0


@pytest.fixture(scope="module")
def past(database: str) -> Iterator[Past]:
    """Sixty days of tasks, none of which is due."""
    with long_past(database) as found:
        Task.objects.live().update(next_poll_at=timezone.now() + timedelta(hours=1))
        yield found


@pytest.fixture(scope="module")
def place(past: Past, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("old-weeks")
    with open_place(folder, past.database_url) as running:
        yield running


@pytest.fixture(autouse=True)
def kept_days(settings: Any) -> None:
    for name, days in KEEP.items():
        setattr(settings, name, days)


@pytest.fixture(scope="module")
def first_task(past: Past) -> Task:
    """Of the tenant whose key there is, of a week that goes."""
    rows = tasks_of(mondays()[1]).filter(tenant=authenticate(past.key).tenant_id)
    found: Task = rows.filter(status="SUCCESS")[0]
    return found


class Crowd:
    """Deeds that threads of their own repeat until it is over, or there is nothing left to do
    (IndexError); `errors`: what else they raised."""

    def __init__(self, *deeds: Callable[[], object]) -> None:
        self.errors: list[BaseException] = []
        self.done = [0] * len(deeds)
        self._over = Event()
        self._threads = [
            Thread(target=self._run, args=(number, deed), daemon=True)
            for number, deed in enumerate(deeds)
        ]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, number: int, deed: Callable[[], object]) -> None:
        try:
            while not self._over.is_set():
                deed()
                self.done[number] += 1
        except IndexError:
            pass
        except BaseException as error:  # noqa: BLE001  the test judges it
            self.errors.append(error)
        finally:
            connection.close()


def old_weeks(days: int) -> list[Any]:
    limit = timezone.now() - timedelta(days=days)
    return [monday for monday in mondays() if weeks.begin(monday + weeks.WEEK) <= limit]


def test_weeks_go_while_tenants_draw_and_others_refund_replay_and_prove(
    place: Place, first_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropping, "PAUSE_SECONDS", 0.05)
    account = place.account(funds="100000")
    going, carried = old_weeks(KEEP["KEEP_TASKS_DAYS"]), old_weeks(KEEP["KEEP_ENTRIES_DAYS"])
    # A refund keeps the entries of its week, a replay its tasks: of the last week that is to go.
    paid = list(tasks_of(going[-1]).filter(status="SUCCESS")[:40])
    lost = list(Callback.objects.filter(task__in=tasks_of(going[-1]), is_final=True)[:40])
    slowest, wrong = [0.0], []

    def submit() -> None:
        began = time.monotonic()
        account.draw()
        slowest[0] = max(slowest[0], time.monotonic() - began)

    def refund() -> None:
        # (Some were refunded in the past already.)
        with suppress(RefundRefused):
            refunds.refund(paid.pop(), amount=None, actor="Alice", memo="bad picture")

    def replay() -> None:
        callbacks.replay(lost.pop(), url=place.hook(account))

    def look() -> None:
        wrong.extend(doctor()[1])
        # One proof after the other would leave no moment for a drop.
        time.sleep(1)

    with Crowd(*[submit] * SUBMITTERS, refund, replay, look, usage.roll_up, drop, drop) as crowd:
        wait_until(
            lambda: crowd.errors or (CarriedWeek.objects.count() >= len(carried) and not paid),
            seconds=120,
            what="the end of the old weeks",
        )
    for error in crowd.errors:
        raise error
    assert wrong == []
    assert slowest[0] < SLOWEST_SECONDS
    assert all(crowd.done[:SUBMITTERS])
    assert doctor() == (0, [])
    prove(account.tenant.pk)
    gone = set(DroppedWeek.objects.values_list("monday", flat=True))
    assert set(going[:-1]) <= gone
    # What was replayed keeps its week until it is told; or it was too late.
    is_waited_for = tasks_of(going[-1]).filter(callback__due_at__isnull=False).exists()
    assert not (is_waited_for and going[-1] in gone)


def test_a_task_that_is_gone_is_answered_as_one_that_never_was(
    place: Place, past: Past, first_task: Task
) -> None:
    drop()
    task_id, web = first_task.pk, place.stack.url
    headers = {"Authorization": f"Bearer {past.key}"}

    def ask(path: str, **body: Any) -> requests.Response:
        method = "POST" if body else "GET"
        return requests.request(method, web + path, headers=headers, json=body or None, timeout=30)

    for answer in (
        ask(f"/mj/task/{task_id}/fetch"),
        ask(f"/mj/task/{task_id}/image-seed"),
        ask(f"/mj/task/{task_id}/cancel", why=""),
        ask("/mj/submit/change", taskId=str(task_id), action="UPSCALE", index=1),
    ):
        unknown = {"type": "task_not_found", "code": 4}
        assert (answer.status_code, answer.json() | unknown) == (404, answer.json()), answer.text
    newest = Task.objects.filter(tenant=first_task.tenant_id, is_test=False).latest("pk")
    listed = ask("/mj/task/list-by-condition", ids=[str(task_id), str(newest.pk)])
    assert [row["id"] for row in listed.json()] == [str(newest.pk)]
    picture = requests.get(f"{web}/mj/image/{task_id}", params={"sig": "x"}, timeout=30)
    assert picture.status_code == 403
    signed = requests.get(
        f"{web}/mj/image/{task_id}", params={"sig": signing.sign("image", task_id)}, timeout=30
    )
    assert signed.status_code == 404


def test_the_management_api_tells_what_is_not_kept(place: Place, first_task: Task) -> None:
    drop()
    tenant = Tenant.objects.get(pk=first_task.tenant_id)
    _, key = management_keys.make(tenant=None, name="retention", role="operator")
    first = weeks.of(weeks.moment_of(first_task.pk))

    def ask(path: str, **query: Any) -> requests.Response:
        return requests.get(
            f"{place.stack.url}/api/v1/tenants/{tenant.pk}/{path}",
            params=query,
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        )

    days = {"first": str(first), "last": str(first + timedelta(days=6))}
    refused = ask("statement", format="entries", **days)
    assert (refused.status_code, refused.json()["type"]) == (400, "invalid_request")
    assert refused.json()["message"].startswith("first: single entries up to ")
    assert ask("statement", **days).json()["total"]["number"] > 0
    assert ask("statement", format="csv", **days).status_code == 200
    assert ask(f"tasks/{first_task.pk}").status_code == 404
    assert ask("entries", until=f"{first + timedelta(days=6)}T00:00:00Z").status_code == 200


def test_a_task_whose_parent_is_gone_comes_to_its_end(place: Place, first_task: Task) -> None:
    """The upstream's words name the parent, whose id at the upstream is not known any more."""
    drop()
    account = place.account()
    parent = account.draw()
    account.finish(parent)
    answer = account.request(
        "POST", "/mj/submit/change", json={"taskId": parent, "action": "UPSCALE", "index": 1}
    )
    child = str(answer.json()["result"])
    Task.objects.filter(pk=int(child)).update(parent=first_task.pk)
    assert account.finish(child)["status"] == "SUCCESS"
    prove(account.tenant.pk)
