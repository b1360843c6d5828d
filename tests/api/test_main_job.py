"""The main job: paid for, drawn, followed, fetched, called back."""

import json

import requests
from standardwebhooks import Webhook

from tests.accounts import Account
from tests.stack import wait_until


def test_a_picture_is_paid_for_drawn_and_called_back(account: Account) -> None:
    hook = account.stack.inbox_url(account.tenant.name)
    answer = account.imagine("a lighthouse", notifyHook=hook, state="order 7")
    assert answer.text.startswith('{"code":1,"description":"提交成功","result":"')
    task_id = answer.json()["result"]

    task = account.finish(task_id)
    assert (task["status"], task["progress"], task["state"]) == ("SUCCESS", "100%", "order 7")
    assert account.funds == ("99.90", "0.00")
    assert account.entries(task_id) == [("hold", "0.00", "0.10"), ("capture", "-0.10", "-0.10")]

    picture = requests.get(task["imageUrl"], timeout=10)
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")

    def final() -> list[dict[str, str]]:
        messages = account.stack.inbox(account.tenant.name)
        return [m for m in messages if json.loads(m["body"])["status"] == "SUCCESS"]

    message = wait_until(final, what="the final callback")[0]
    Webhook(account.tenant.webhook_secret).verify(message["body"], message["headers"])
    assert json.loads(message["body"]) == task
