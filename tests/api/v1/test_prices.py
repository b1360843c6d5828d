"""Price books through the management API: drafted, looked at, published, taken back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from billing import books
from billing.models import PriceBook
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, Key
from tests.prices import PRICES


@pytest.fixture
def usual_prices(database: str) -> Iterator[None]:
    """In force again after the test."""
    yield
    books.publish_json(PRICES, memo="tests")


def draft(operator: Key) -> str:
    """Of the book in force: its address."""
    in_force = PriceBook.objects.in_force()
    assert in_force is not None
    return f"price-books/{operator.post('price-books', origin=in_force.pk)['id']}"


@pytest.mark.usefixtures("usual_prices")
def test_a_draft_is_written_looked_at_published_and_taken_back(desk: Desk) -> None:
    operator = desk.operator
    before = PriceBook.objects.in_force()
    book = draft(operator)
    own = operator.post(f"{book}/rules", name="mj_i*", amount="0.07", tenant_id=desk.tenant.pk)
    vip = operator.post("groups", name=f"{desk.tenant.name}-vip")["name"]
    assert operator.post(f"{book}/ratios", group=vip, ratio="0.8")["ratio"] == "0.800000"
    diff = operator.get(f"{book}/diff")
    assert [(row["name"], row["before"], row["after"]) for row in diff["rules"]] == [
        ("mj_i*", None, "0.07")
    ]
    assert [row["after"] for row in diff["ratios"]] == ["0.800000"]
    desk.account.finish(desk.account.draw())
    preview = operator.get(f"{book}/preview", **today(), most=1000)
    (line,) = [row for row in preview["lines"] if row["tenant"] == desk.tenant.name]
    assert (line["number"], line["earned"], line["would_earn"]) == (1, "0.10", "0.07")
    totals = operator.get(f"{book}/preview", **today(), most=0)
    assert totals == preview | {"lines": [], "by_tenant": []}
    for most in (-1, 1001, "x"):
        refused = operator.ask("GET", f"{book}/preview", params=today() | {"most": str(most)})
        assert_refused(refused, 400, "invalid_request")

    assert operator.post(f"{book}/publish")["state"] == "in_force"
    assert desk.account.imagine().status_code == 200
    assert desk.owner.get("entries", kind="hold")["data"][0]["held"] == "0.07"
    for method, path, body in (
        ("POST", f"{book}/publish", {}),
        ("POST", f"{book}/rules", {"name": "mj_pan", "amount": "1.00"}),
        ("DELETE", f"{book}/rules/{own['id']}", {}),
        ("POST", f"{book}/withdraw", {}),
        ("DELETE", book, {}),
    ):
        refused = operator.ask(method, path, json=body)
        assert_refused(refused, 409, "price_book_refused")

    assert before is not None
    back = operator.post(f"price-books/{before.pk}/roll-back")
    assert (back["state"], back["origin"]) == ("in_force", before.pk)
    assert operator.get(book)["state"] == "past"
    assert desk.owner.get("prices")["data"][0]["prices"]["fast"] == "0.10"


def test_a_book_waits_for_its_time_and_is_withdrawn(desk: Desk) -> None:
    operator = desk.operator
    book = draft(operator)
    waiting = operator.post(f"{book}/publish", effective_at="2099-01-01T00:00:00Z")
    assert waiting["state"] == "upcoming"
    assert waiting["published_by"].startswith("operator (mk-")
    refused = operator.ask("POST", f"{book}/roll-back", json={})
    assert_refused(refused, 409, "price_book_refused")
    assert operator.post(f"{book}/withdraw")["state"] == "draft"
    early = operator.ask("POST", f"{book}/publish", json={"effective_at": "2001-01-01T00:00:00Z"})
    assert_refused(early, 409, "price_book_refused")
    operator.delete(book)
    assert_refused(operator.ask("GET", book), 404, "not_found")


def test_lines_of_a_draft_are_changed_and_removed(desk: Desk) -> None:
    operator = desk.operator
    book = f"price-books/{operator.post('price-books', memo='mine')['id']}"
    first = operator.post(f"{book}/rules", name="mj_pan", mode="relax", amount="0.05")
    again = operator.post(f"{book}/rules", name="mj_pan", mode="relax", amount="0.06")
    assert (first["id"], again["amount"]) == (again["id"], "0.06")
    assert len(operator.get(f"{book}/rules", q="PAN")["data"]) == 1
    operator.delete(f"{book}/rules/{first['id']}")
    assert_refused(operator.ask("DELETE", f"{book}/rules/{first['id']}"), 404, "not_found")
    group = desk.tenant.group.name
    ratio = operator.post(f"{book}/ratios", group=group, home=group, ratio="1.5")
    operator.delete(f"{book}/ratios/{ratio['id']}")
    assert operator.get(f"{book}/ratios")["data"] == []
    operator.delete(book)


def test_books_come_and_go_as_files(desk: Desk) -> None:
    operator = desk.operator
    book = draft(operator)
    whole = operator.ask("GET", f"{book}/content").text
    operator.post(f"{book}/rules", name="*", amount="9.99")
    operator.put(f"{book}/content", text=whole)
    assert operator.ask("GET", f"{book}/content").text == whole
    operator.post(f"{book}/new-api", model_price='{"mj_imagine": 0.3}', replace=True)
    exported = operator.get(f"{book}/new-api")
    assert (exported["model_price"].split(), exported["left_out"]) == (
        ["{", '"mj_imagine":', "0.3", "}"],
        [],
    )
    operator.delete(book)


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("rules", {"name": "mj_*_x", "amount": "1"}, "name:"),
        ("rules", {"name": "a\x00", "amount": "1"}, "name:"),
        ("rules", {"name": "mj_pan", "amount": "-1"}, "amount:"),
        ("rules", {"name": "mj_pan", "amount": 1}, "amount:"),
        ("rules", {"name": "mj_pan", "amount": "1", "mode": "warp"}, "mode:"),
        ("rules", {"name": "mj_pan", "amount": "1", "tenant_id": 999999999}, "tenant"),
        ("rules", {"name": "mj_pan", "amount": "1", "tenant_id": 10**30}, "tenant_id:"),
        ("rules", {"name": "mj_pan", "amount": "1", "group": "nobody"}, "group:"),
        ("rules", {"name": "mj_pan", "amount": "1", "book": 1}, "book:"),
        ("ratios", {"group": "nobody", "ratio": "1"}, "group:"),
        ("ratios", {"group": "default", "ratio": "NaN"}, "ratio:"),
        ("ratios", {"group": "default", "ratio": "-1"}, "ratio:"),
        ("ratios", {"group": "default", "ratio": "0.0000001"}, "ratio:"),
        ("ratios", {"group": "default", "ratio": 1.1}, "ratio:"),
        ("new-api", {"model_price": '{"mj_pan": 0.1,\n "mj_zoom": }'}, "line 2, column"),
        ("new-api", {"group_ratio": '{"vip": -1}'}, "line 1"),
        ("new-api", {"model_price": {"mj_pan": 1}}, "model_price:"),
        ("publish", {"effective_at": "soon"}, "effective_at:"),
    ],
)
def test_wrong_lines_are_refused_and_change_nothing(
    shared_desk: Desk, path: str, body: dict[str, Any], says: str
) -> None:
    book = draft(shared_desk.operator)
    before = shared_desk.operator.ask("GET", f"{book}/content").text
    answer = shared_desk.operator.ask("POST", f"{book}/{path}", json=body)
    assert_refused(answer, 400, "invalid_request", says=says)
    assert shared_desk.operator.ask("GET", f"{book}/content").text == before
    shared_desk.operator.delete(book)


def test_a_draft_of_a_book_that_is_not_there_is_refused(shared_desk: Desk) -> None:
    answer = shared_desk.operator.ask("POST", "price-books", json={"origin": 999999999})
    assert_refused(answer, 400, "invalid_request", says="origin:")


def today() -> dict[str, str]:

    day = str(datetime.now(UTC).date())
    return {"first": day, "last": day}
