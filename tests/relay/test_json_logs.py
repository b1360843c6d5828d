"""The product's own processes with LOG_FORMAT=json."""

import json

from tests.accounts import Account
from tests.stack import wait_until


def test_web_and_worker_write_json(account: Account) -> None:
    """Their libraries too; a worker says which job it is, and whose task."""
    stack = account.stack

    def told(name: str, **wanted: object) -> dict[str, object] | None:
        lines = [line for line in stack.log(name).splitlines() if line.startswith("{")]
        records = [json.loads(line) for line in lines]
        return next((one for one in records if wanted.items() <= one.items()), None)

    with stack.changed(LOG_FORMAT="json"):
        task_id = account.draw("told in JSON", notifyHook="http://127.0.0.1:1/nobody/listens")
        found = wait_until(lambda: told("worker", task_id=int(task_id), level="WARNING"))
    assert found["logger"] == "relay.delivery"
    assert found["job"] == "relay.jobs.deliver"
    assert len(str(found["job_id"])) == 36
    assert found["tenant_id"] == account.tenant.pk
    submit = told("web", task_id=int(task_id), logger="relay.access")
    assert submit
    assert submit["route"] == "mj/submit/imagine"
    assert submit["status"] == 200
    assert told("web", logger="gunicorn.error", level="INFO")
