"""A task that we gave up and the upstream has drawn all the same, as its tenant sees it."""

from relay.following import polling
from tests.accounts import Account, open_account
from tests.faults.hostile import hostile_upstream
from tests.proofs import prove
from tests.stack import Stack, wait_until


def told(account: Account, task_id: str) -> list[str]:
    """The states that the receiver was told of, in the order in which it was told."""
    bodies = [message["body"] for message in account.stack.inbox(account.tenant.name)]
    words = ("SUCCESS", "FAILURE")
    return [
        word for body in bodies if task_id in body for word in words if f'"status":"{word}"' in body
    ]


def test_the_tenant_hears_of_the_failure_and_then_of_the_picture(stack: Stack) -> None:
    """The upstream forgets the task, remembers it and says so. The answer to the submit stays what
    it was."""
    with hostile_upstream(status="IN_PROGRESS") as upstream:
        account = open_account(stack, channel_url=upstream.url)
        body = {"prompt": "forgotten", "notifyHook": stack.inbox_url(account.tenant.name)}
        key = {"Idempotency-Key": "late"}
        path = "/mj/submit/imagine"
        first = account.request("POST", path, json=body, headers=key).json()
        task_id = first["result"]
        upstream.rows = []
        assert account.finish(task_id)["failReason"] == polling.LOST
        assert account.funds == ("100.00", "0.00")
        wait_until(lambda: told(account, task_id) == ["FAILURE"], what="the first message")
        upstream.rows, upstream.status = None, "SUCCESS"
        upstream.hint(upstream.submits[0])
        wait_until(
            lambda: told(account, task_id) == ["FAILURE", "SUCCESS"], what="the second message"
        )
        assert account.fetch(task_id)["imageUrl"]
        assert account.funds == ("99.90", "0.00")
        assert account.request("POST", path, json=body, headers=key).json() == first
        assert len(upstream.submits) == 1
        prove(account.tenant.pk)
