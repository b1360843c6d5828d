"""What a list of tasks and one task tell besides their state: pictures, relatives, money."""

import pytest
import requests

from relay.api.v1 import paging
from relay.models import Attempt, Task
from tests.accounts import Account
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk
from tests.faults.place import begin


def test_a_row_links_its_picture_on_this_site(desk: Desk) -> None:
    account = desk.account
    task_id = account.draw()
    account.finish(task_id)
    (row,) = desk.owner.get("tasks")["data"]
    picture = requests.get(row["picture"], timeout=20)
    assert picture.headers["Content-Type"].startswith("image/")
    assert row["picture"].startswith(f"{account.stack.url}/mj/image/{task_id}?sig=")
    assert (row["videos"], row["key_name"]) == ([], "main")
    assert row["finished_at"] > row["submitted_at"]
    assert "tenant" not in row
    (row,) = desk.operator.get("tasks", tenant=desk.tenant.pk)["data"]
    assert (row["tenant"], row["channel"]) == (desk.tenant.name, account.channel.name)


def test_a_task_tells_what_it_was_made_of_and_what_it_came_to(desk: Desk) -> None:
    account = desk.account
    parent = account.draw()
    button = account.finish(parent)["buttons"][0]["customId"]
    body = {"customId": button, "taskId": parent}
    child = account.request("POST", "/mj/submit/action", json=body).json()["result"]
    account.finish(child)
    desk.operator.post(f"{desk.base}tasks/{parent}/refund", amount="0.04")
    whole = desk.owner.get(f"tasks/{parent}")
    assert (whole["paid"], whole["refunded"], whole["parent"]) == ("0.10", "0.04", None)
    assert [row["id"] for row in whole["children"]] == [child]
    whole = desk.owner.get(f"tasks/{child}")
    assert (whole["parent"]["id"], whole["children"]) == (parent, [])
    for name in ("is_watched", "is_outcome_unknown", "tenant", "upstream_id", "channel"):
        assert name not in whole
        assert name not in whole["parent"]
    assert desk.operator.get(f"tasks/{child}")["is_watched"] is False


def test_tasks_of_unknown_outcome_are_found_while_there_is_something_to_decide(desk: Desk) -> None:
    known, unknown = begin(desk.account), begin(desk.account, "another")
    Attempt.objects.filter(task=unknown).update(outcome=Attempt.Outcome.UNKNOWN)
    question = {"tenant": desk.tenant.pk, "unknown_outcome": "true"}
    (row,) = desk.operator.get("tasks", **question)["data"]
    assert row["id"] == str(unknown)
    others = desk.operator.get("tasks", **question | {"unknown_outcome": "false"})["data"]
    assert [row["id"] for row in others] == [str(known)]
    assert desk.operator.get(f"tasks/{unknown}")["is_outcome_unknown"] is True
    body = {"outcome": "failed", "memo": "x"}
    desk.operator.post(f"tasks/{unknown}/settle", **body)
    assert desk.operator.get("tasks", **question)["data"] == []
    for name in ("unknown_outcome", "tenant"):
        refused = desk.owner.ask("GET", "tasks", params={name: "true" if "_" in name else "1"})
        assert_refused(refused, 403, "role_not_allowed")


def test_a_question_that_hardly_anything_fits_reads_a_bounded_part(
    bystander: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [begin(bystander, f"number {number}") for number in range(10)]
    Task.objects.filter(pk=made[1]).update(mode="relax")
    monkeypatch.setattr(paging, "LOOKED_THROUGH_MAX", 4)
    rows = Task.objects.filter(tenant=bystander.tenant)
    found, asked = [], {"limit": 5}
    pages = 0
    while True:
        page = paging.page_of_few(rows, {"mode": "relax"}, asked)
        found += [row.pk for row in page["data"]]
        pages += 1
        if page["next"] is None:
            break
        asked["after"] = page["next"]
    assert (found, pages) == ([made[1]], 3)
    # A page that is full ends where it is full.
    page = paging.page_of_few(rows, {"mode": "fast"}, {"limit": 2})
    assert [row.pk for row in page["data"]] == made[:-3:-1]
    more = paging.page_of_few(rows, {"mode": "fast"}, {"limit": 2, "after": page["next"]})
    assert [row.pk for row in more["data"]] == made[-3:-5:-1]
