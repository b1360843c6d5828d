"""Drawing through the management API with one of the tenant's keys: the same as with the key
itself, once, paid once, and nobody's but the tenant's."""

import base64
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from billing import tokens
from billing.models import Token
from common.models import AuditEntry
from relay.models import Task
from tests.accounts import open_account, open_channel
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, unique
from tests.races.together import together


def picture(colour: str = "teal") -> str:
    file = BytesIO()
    Image.new("RGB", (64, 64), colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def plus(desk: Desk) -> Desk:
    """Its channel knows buttons and modals."""
    channel = desk.account.channel
    channel.kind = "trueai"
    channel.base_url = channel.base_url.replace("/midjourney-proxy", "/trueai")
    channel.save()
    return desk


def draw(desk: Desk, prompt: str = "a lighthouse", **more: Any) -> dict[str, Any]:
    said = {"key_id": desk.account.token.pk, "kind": "imagine", "body": {"prompt": prompt}}
    answer: dict[str, Any] = desk.roles["developer"].post("drawings", **said | more)
    return answer


def seen(desk: Desk, task_id: str) -> dict[str, Any]:
    (row,) = desk.owner.get("drawings", ids=task_id)["data"]
    return dict(row)


def press(desk: Desk, task: dict[str, Any], label: str, **more: Any) -> Any:
    (custom_id,) = [b["custom_id"] for b in task["buttons"] if b["label"] == label]
    said = {"key_id": task["key_id"], "body": {"customId": custom_id}}
    return desk.owner.post(f"drawings/{task['id']}/action", **said | more)


def finished(desk: Desk, answer: dict[str, Any]) -> dict[str, Any]:
    (task_id,) = answer["task_ids"]
    desk.account.finish(task_id)
    return seen(desk, task_id)


def test_a_picture_is_drawn_upscaled_and_repainted_with_a_mask(plus: Desk) -> None:
    grid = finished(plus, draw(plus, body={"prompt": "a pier", "mode": "relax"}))
    assert (grid["mode"], grid["price"], grid["status"]) == ("relax", "0.10", "SUCCESS")
    assert grid["picture"].startswith("/mj/image/")
    assert plus.account.request("GET", grid["picture"]).headers["Content-Type"] == "image/png"
    upscaled = finished(plus, press(plus, grid, "U2"))
    assert (upscaled["parent_id"], upscaled["action"]) == (grid["id"], "UPSCALE")
    opened = press(plus, upscaled, "Vary (Region)")
    assert opened["waits_for_modal"]
    (modal_id,) = opened["task_ids"]
    held = plus.account.funds
    body = {"prompt": "a red boat", "maskBase64": picture()}
    confirmed = plus.owner.post(f"drawings/{modal_id}/modal", key_id=upscaled["key_id"], body=body)
    assert confirmed["task_ids"] == [modal_id]
    repainted = finished(plus, confirmed)
    assert (repainted["action"], repainted["status"]) == ("INPAINT", "SUCCESS")
    assert held == ("99.85", "0.00")
    assert plus.account.funds == ("99.75", "0.00")


def test_what_is_sent_twice_or_at_once_is_drawn_and_paid_once(desk: Desk) -> None:
    key = unique("click")
    first = draw(desk, idempotency_key=key)
    again = draw(desk, idempotency_key=key)
    assert (again["task_ids"], again["is_replay"]) == (first["task_ids"], True)
    answer = desk.owner.ask(
        "POST",
        "drawings",
        json={
            "key_id": desk.account.token.pk,
            "kind": "imagine",
            "body": {"prompt": "another"},
            "idempotency_key": key,
        },
    )
    assert_refused(answer, 422, "idempotency_mismatch")
    said = {
        "key_id": desk.account.token.pk,
        "kind": "imagine",
        "body": {"prompt": "a double click"},
        "idempotency_key": unique("click"),
    }
    statuses = together(
        [lambda: desk.owner.ask("POST", "drawings", json=said).status_code for _ in range(4)]
    )
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert Task.objects.filter(tenant=desk.tenant, prompt="a double click").count() == 1


def test_the_key_s_budget_actions_and_rates_count(desk: Desk) -> None:
    account = desk.account
    poor = account.new_key(budget="0.15")
    draw(desk, key_id=poor.token.pk)
    said = {"key_id": poor.token.pk, "kind": "imagine", "body": {"prompt": "x"}}
    answer = desk.owner.ask("POST", "drawings", json=said)
    assert_refused(answer, 402, "quota_not_enough")
    for fields, status, kind in (
        ({"budget": None, "actions": ["BLEND"]}, 403, "action_not_allowed"),
        ({"actions": [], "modes": ["turbo"]}, 403, "action_not_allowed"),
        ({"modes": [], "addresses": ["192.0.2.0/24"]}, 403, "ip_not_allowed"),
        ({"addresses": ["127.0.0.1"], "concurrency": 0}, 429, "concurrency_limited"),
        ({"concurrency": None, "is_active": False}, 409, "conflict"),
    ):
        Token.objects.filter(pk=poor.token.pk).update(**fields)
        answer = desk.owner.ask("POST", "drawings", json=said)
        assert_refused(answer, status, kind, code=23 if status == 429 else 4)
    Token.objects.filter(pk=poor.token.pk).update(is_active=True, rpm=1)
    draw(desk, key_id=poor.token.pk)
    answer = desk.owner.ask("POST", "drawings", json=said)
    assert_refused(answer, 429, "rate_limited", code=23)


def test_nobody_draws_with_another_tenant_s_key_or_on_its_task(desk: Desk) -> None:
    other = open_account(desk.account.stack)
    task_id = other.draw()
    other.finish(task_id)
    before = other.written, other.funds, desk.account.written
    said: dict[str, Any] = {"kind": "imagine", "body": {"prompt": "x"}}
    answer = desk.owner.ask("POST", "drawings", json=said | {"key_id": other.token.pk})
    assert_refused(answer, 404, "not_found", says="key")
    follow = {"key_id": desk.account.token.pk, "body": {"customId": "MJ::JOB::reroll::0::x::SOLO"}}
    own = desk.account.draw()
    for path, body in (
        (f"drawings/{task_id}/action", follow),
        (f"drawings/{task_id}/modal", {"key_id": follow["key_id"]}),
        (f"drawings/{task_id}/cancel", {}),
        (f"drawings/{task_id}/seed", {}),
    ):
        assert_refused(desk.owner.ask("POST", path, json=body), 404, "not_found")
    # The id in the address counts, whatever the body says.
    mixed = follow | {"body": {"customId": "MJ::JOB::reroll::0::x::SOLO", "taskId": task_id}}
    desk.account.finish(own)
    refused = desk.owner.ask("POST", f"drawings/{own}/action", json=mixed)
    assert refused.status_code in (200, 400)
    assert (other.written, other.funds) == before[:2]
    assert desk.owner.get("drawings", ids=task_id)["data"] == []
    assert_refused(desk.owner.ask("GET", "drawings/offers", params={"key": other.token.pk}), 404,
                   "not_found")  # fmt: skip


def test_play_money_is_not_continued_with_real_money(desk: Desk) -> None:
    token, _ = tokens.make(tenant=desk.tenant, name="play", is_test=True)
    task_id = desk.account.draw()
    desk.account.finish(task_id)
    answer = desk.owner.ask(
        "POST", f"drawings/{task_id}/action", json={"key_id": token.pk, "body": {"customId": "x"}}
    )
    assert_refused(answer, 409, "conflict", says="test key")


def test_the_audit_hears_of_no_drawing(desk: Desk) -> None:
    draw(desk, prompt="nobody else's business")
    assert not AuditEntry.objects.filter(tenant_id=desk.tenant.pk).exists()


def test_a_modal_is_cancelled_and_costs_nothing(plus: Desk) -> None:
    grid = finished(plus, draw(plus))
    upscaled = finished(plus, press(plus, grid, "U1"))
    (modal_id,) = press(plus, upscaled, "Custom Zoom")["task_ids"]
    assert seen(plus, modal_id)["modal_price"] == "0.10"
    assert plus.owner.post(f"drawings/{modal_id}/cancel")["status"] == "CANCEL"
    assert plus.account.funds == ("99.85", "0.00")
    refused = plus.owner.ask("POST", f"drawings/{modal_id}/cancel")
    assert_refused(refused, 409, "conflict")
    assert plus.owner.post(f"drawings/{grid['id']}/seed")["seed"].isdigit()


def test_offers_say_what_a_key_may_begin_and_what_it_costs(desk: Desk) -> None:
    def offers(**query: Any) -> dict[str, Any]:
        answer = desk.owner.get("drawings/offers", **query)
        return {row["kind"]: row for row in answer["data"]}

    found = offers(key=desk.account.token.pk)
    assert found["imagine"]["prices"]["fast"] == "0.10"
    assert (found["imagine"]["is_served"], found["swap"]["is_served"]) == (True, False)
    Token.objects.filter(pk=desk.account.token.pk).update(actions=["BLEND"], modes=["relax"])
    found = offers()
    assert found["imagine"]["prices"] == {}
    assert found["blend"]["prices"] == {"relax": "0.10"}
    assert desk.owner.get("drawings/offers")["is_test_served"] is False
    group = desk.account.tenant.group.name
    open_channel(desk.account.stack, group=group, is_test=True)
    assert desk.owner.get("drawings/offers")["is_test_served"] is True


@pytest.mark.parametrize("ids", ["x", "1,", "-1", "1" * 17, ",".join("1" * 51)])
def test_only_ids_are_taken_for_ids(desk: Desk, ids: str) -> None:
    answer = desk.owner.ask("GET", "drawings", params={"ids": ids})
    assert_refused(answer, 400, "invalid_request", says="ids")


def test_uploads_are_answered_with_their_addresses(plus: Desk) -> None:
    answer = draw(plus, kind="upload", body={"base64Array": [picture()]})
    assert len(answer["urls"]) == 1
    assert answer["task_ids"] == []
    shown = plus.owner.get("drawings")["data"][0]
    assert shown["uploads"] == answer["urls"]
