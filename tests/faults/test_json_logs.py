"""The product's own processes with LOG_FORMAT=json."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.place import Place, open_place
from tests.stack import wait_until


@pytest.fixture
def place(own_database_url: str, tmp_path: Path) -> Iterator[Place]:
    # One try: whichever message the worker comes to, the first or the end alone, it gives it up.
    env = {"LOG_FORMAT": "json", "CALLBACK_LADDER_SECONDS": "0"}
    with open_place(tmp_path, own_database_url, **env) as place:
        yield place


def test_web_and_worker_write_json(place: Place) -> None:
    """Their libraries too; a worker says which job it is, and whose task."""
    stack, account = place.stack, place.account()

    def told(name: str, **wanted: object) -> dict[str, object] | None:
        lines = [line for line in stack.log(name).splitlines() if line.startswith("{")]
        records = [json.loads(line) for line in lines]
        return next((one for one in records if wanted.items() <= one.items()), None)

    task_id = account.draw("told in JSON", notifyHook="http://127.0.0.1:1/nobody/listens")
    # The worker has come up, however long that took.
    account.finish(task_id)
    found = wait_until(lambda: told("worker", task_id=int(task_id), level="WARNING"))
    assert found["logger"] == "relay.messages.delivery"
    assert found["job"] == "relay.jobs.deliver"
    assert len(str(found["job_id"])) == 36
    assert found["tenant_id"] == account.tenant.pk
    submit = told("web", task_id=int(task_id), logger="relay.access")
    assert submit
    assert submit["route"] == "mj/submit/imagine"
    assert submit["status"] == 200
    assert told("web", logger="gunicorn.error", level="INFO")
