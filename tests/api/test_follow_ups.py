"""Follow-ups at an upstream that knows no buttons: change, simple-change, action."""

import base64
import io

import pytest
from PIL import Image

from tests.accounts import Account


def picture(color: str = "navy") -> str:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def submit(account: Account, path: str, **body: object) -> dict[str, object]:
    answer = account.request("POST", f"/mj/submit/{path}", json=body)
    assert answer.status_code == 200, answer.text
    result: dict[str, object] = answer.json()
    return result


@pytest.mark.parametrize(
    ("path", "body", "action", "price"),
    [
        ("change", {"action": "UPSCALE", "index": 2}, "UPSCALE", "99.85"),
        ("change", {"action": "variation", "index": "1"}, "VARIATION", "99.80"),
        ("change", {"action": "REROLL"}, "REROLL", "99.80"),
        ("simple-change", {"content": "{id} u3"}, "UPSCALE", "99.85"),
        ("simple-change", {"content": "{id} R"}, "REROLL", "99.80"),
        ("action", {"customId": "{U1}"}, "UPSCALE", "99.85"),
        ("action", {"customId": "MJ::JOB::variation::4::abc"}, "VARIATION", "99.80"),
    ],
)
def test_a_follow_up_is_drawn_and_paid(
    account: Account, path: str, body: dict[str, object], action: str, price: str
) -> None:
    parent = account.finish(account.draw())
    fill = {"{id}": parent["id"], "{U1}": parent["buttons"][0]["customId"]}
    for mark, value in fill.items():
        body = {k: v.replace(mark, value) if isinstance(v, str) else v for k, v in body.items()}
    if path != "simple-change":
        body = body | {"taskId": parent["id"]}
    result = submit(account, path, state="mine", **body)
    assert result["code"] == 1
    task = account.finish(str(result["result"]))
    assert (task["status"], task["action"], task["state"]) == ("SUCCESS", action, "mine")
    assert account.funds == (price, "0.00")
    assert parent["id"] in task["description"]


def test_a_follow_up_on_an_unfinished_task_is_refused(account: Account) -> None:
    task_id = account.draw("zzslow")
    answer = account.request(
        "POST", "/mj/submit/change", json={"taskId": task_id, "action": "UPSCALE", "index": 1}
    )
    assert (answer.status_code, answer.json()["type"]) == (400, "task_not_success")


@pytest.mark.parametrize(
    ("path", "body", "action"),
    [
        ("blend", {"base64Array": [picture(), picture("red")]}, "BLEND"),
        ("describe", {"base64": picture()}, "DESCRIBE"),
    ],
)
def test_pictures_are_taken(account: Account, path: str, body: dict, action: str) -> None:
    task = account.finish(str(submit(account, path, **body)["result"]))
    assert (task["status"], task["action"]) == ("SUCCESS", action)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("shorten", {"prompt": "a very long prompt"}),
        ("edits", {"prompt": "red", "image": picture()}),
        ("video", {"prompt": "run", "image": picture()}),
        ("describe", {"link": "https://example.com/a.png"}),
        ("upload-discord-images", {"base64Array": [picture()]}),
    ],
)
def test_what_no_upstream_can_do_is_refused_before_money_moves(
    account: Account, path: str, body: dict
) -> None:
    answer = account.request("POST", f"/mj/submit/{path}", json=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request"), answer.text
    assert account.entries() == [("topup", "100.00", "0.00")]


def test_the_mode_is_decided_once_and_sent_as_a_flag(account: Account) -> None:
    answer = account.request(
        "POST", "/mj-relax/mj/submit/imagine", json={"prompt": "a cat --turbo --ar 2:3"}
    )
    task = account.finish(answer.json()["result"])
    assert (task["mode"], task["prompt"]) == ("RELAX", "a cat --ar 2:3")
    assert task["promptEn"] == "a cat --ar 2:3"
    sent = account.stack.submits("a cat --ar 2:3")[-1]
    assert sent["body"]["prompt"] == "a cat --ar 2:3 --relax"


def test_lists_are_the_keys_own(account: Account) -> None:
    slow, quick = account.draw("zzslow"), account.draw()
    account.finish(quick)
    other = account.new_key()
    for path, expected in (("list", [quick, slow]), ("queue", [slow])):
        rows = account.request("GET", f"/mj/task/{path}").json()
        assert [row["id"] for row in rows] == expected
        assert other.request("GET", f"/mj/task/{path}").json() == []


def test_the_models_are_the_price_names(account: Account) -> None:
    models = account.request("GET", "/v1/models").json()
    assert "mj_imagine" in [model["id"] for model in models["data"]]
    usage = account.request("GET", "/api/usage/token/").json()
    assert usage["data"]["total_available"] == 50_000_000
