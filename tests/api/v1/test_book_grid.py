"""A draft that several people edit as a whole, and what its prices come to."""

from collections.abc import Iterator
from typing import Any

import pytest

from common.models import AuditEntry
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, unique
from tests.api.v1.test_prices import draft


@pytest.fixture
def book(desk: Desk) -> Iterator[str]:
    found = draft(desk.operator)
    yield found
    if desk.operator.get(found)["state"] == "draft":
        desk.operator.delete(found)


def rule(name: str, before: str | None, after: str | None, **scope: Any) -> dict[str, Any]:
    return {"name": name, "before": before, "after": after, **scope}


def amounts(desk: Desk, book: str, **query: Any) -> dict[tuple[str, str], str]:
    rows = desk.operator.get(f"{book}/lines", **query)["rules"]
    return {(row["name"], row["mode"]): row["amount"] for row in rows}


def test_many_lines_are_changed_added_and_removed_at_once(desk: Desk, book: str) -> None:
    operator, tenant, group = desk.operator, desk.tenant, desk.tenant.group.name
    before = operator.get(f"{book}/lines")
    assert "mj_imagine" in before["names"]
    assert before["tenants"] == []
    rules = [
        rule("mj_imagine", "0.10", "0.12"),
        rule("mj_pan", "0.10", None),
        rule("mj_*", None, "0.5", mode="relax"),
        rule("mj_zoom", None, "0.01", tenant_id=tenant.pk),
    ]
    ratios = [{"group": group, "before": None, "after": "0.8"}]
    operator.patch(f"{book}/lines", rules=rules, ratios=ratios)
    entry = AuditEntry.objects.filter(deed="edit price book").latest("id")
    assert entry.before == {"rules": {"mj_imagine": "0.10", "mj_pan": "0.10"}, "ratios": {}}
    assert entry.after is not None
    assert entry.after["ratios"] == {group: "0.800000"}
    after = operator.get(f"{book}/lines", tenant=tenant.pk)
    assert after["digest"] != before["digest"]
    assert [(row["tenant"], row["rules"]) for row in after["tenants"]] == [(tenant.name, 1)]
    found = amounts(desk, book)
    assert (found["mj_imagine", ""], found["mj_*", "relax"]) == ("0.12", "0.50")
    assert ("mj_pan", "") not in found
    assert ("mj_zoom", "") in found
    assert operator.get(f"{book}/rules", tenant=tenant.pk)["data"][0]["amount"] == "0.01"
    # The same once more: all is as it shall be.
    operator.patch(f"{book}/lines", rules=rules, ratios=ratios)


def test_a_line_that_somebody_else_has_changed_is_not_overwritten(desk: Desk, book: str) -> None:
    operator = desk.operator
    operator.patch(f"{book}/lines", rules=[rule("mj_imagine", "0.10", "0.20")])
    late = [rule("mj_pan", "0.10", "0.11"), rule("mj_imagine", "0.10", "0.30")]
    refused = operator.ask("PATCH", f"{book}/lines", json={"rules": late})
    assert_refused(refused, 409, "price_book_refused", says="rules.1")
    assert amounts(desk, book)["mj_pan", ""] == "0.10"
    ratio = {"group": desk.tenant.group.name, "before": "0.5", "after": None}
    refused = operator.ask("PATCH", f"{book}/lines", json={"ratios": [ratio]})
    # It is gone already, which is what was wanted.
    assert refused.status_code == 200
    ratio |= {"after": "0.7"}
    refused = operator.ask("PATCH", f"{book}/lines", json={"ratios": [ratio]})
    assert_refused(refused, 409, "price_book_refused", says="ratios.0")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"rules": [rule("mj_*_x", None, "1")]}, "rules.0.name:"),
        ({"rules": [rule("mj_pan", "0.10", "-1")]}, "rules.0.after:"),
        ({"rules": [rule("mj_pan", None, "1", group="nobody")]}, "rules.0.group: there is no such"),
        ({"rules": [rule("x", None, "1", tenant_id=999999999)]}, "there is no tenant"),
        ({"rules": [rule("x", None, "1"), rule("x", None, "2")]}, "stands there twice"),
        ({"rules": [{"name": "x"}]}, "rules.0.before:"),
        ({"rules": [rule("x", None, "1")] * 2001}, "rules: this may have at most"),
        ({"ratios": [{"group": "nobody", "before": None, "after": "1"}]}, "ratios.0.group:"),
        ({"ratios": [{"group": "default", "before": None, "after": "x"}]}, "ratios.0.after:"),
    ],
)
def test_wrong_changes_are_refused_with_their_place(
    desk: Desk, book: str, body: dict[str, Any], says: str
) -> None:
    before = amounts(desk, book)
    assert_refused(
        desk.operator.ask("PATCH", f"{book}/lines", json=body), 400, "invalid_request", says=says
    )
    assert amounts(desk, book) == before


def test_what_was_not_seen_is_neither_published_nor_replaced(desk: Desk, book: str) -> None:
    operator = desk.operator
    seen = operator.get(f"{book}/diff")["digest"]
    assert seen == operator.get(f"{book}/lines")["digest"]
    operator.post(f"{book}/rules", name="mj_pan", amount="9")
    for method, path, body in (
        ("POST", "publish", {}),
        ("PUT", "content", {"text": '{"rules": [], "ratios": []}'}),
        ("POST", "new-api", {"model_price": "{}"}),
    ):
        refused = operator.ask(method, f"{book}/{path}", json=body | {"digest": seen})
        assert_refused(refused, 409, "price_book_refused", says="changed")
    assert amounts(desk, book)["mj_pan", ""] == "9.00"


def test_a_draft_s_memo_is_changed_and_books_are_found_by_their_state(
    desk: Desk, book: str
) -> None:
    operator, number = desk.operator, int(book.rsplit("/", 1)[1])
    memo = unique("spring")
    assert operator.patch(book, memo=memo)["memo"] == memo
    (live,) = operator.get("price-books", state="in_force")["data"]
    found = {
        state: {row["id"] for row in operator.get("price-books", state=state)["data"]}
        for state in ("draft", "upcoming", "past")
    }
    assert number in found["draft"]
    assert live["id"] not in found["draft"] | found["upcoming"] | found["past"]
    refused = operator.ask("PATCH", f"price-books/{live['id']}", json={"memo": "x"})
    assert_refused(refused, 409, "price_book_refused")
    operator.post(f"{book}/publish", effective_at="2099-01-01T00:00:00Z", reason="later")
    assert AuditEntry.objects.filter(deed="publish price book").latest("id").why == "later"
    assert number in {row["id"] for row in operator.get("price-books", state="upcoming")["data"]}
    operator.post(f"{book}/withdraw")


def test_what_a_group_and_a_tenant_would_pay_is_told_and_why(desk: Desk, book: str) -> None:
    operator, tenant, group = desk.operator, desk.tenant, desk.tenant.group.name
    vip = operator.post("groups", name=unique("vip"))["name"]
    key = operator.patch(f"tenants/{tenant.pk}/keys/{desk.account.token.pk}", group=vip)["id"]
    assert desk.owner.get("prices/keys")["data"] == [{"id": key, "name": "main", "group": vip}]
    operator.patch(
        f"{book}/lines",
        rules=[rule("mj_pan", None, "0.03", mode="fast", group=group)],
        ratios=[
            {"group": group, "before": None, "after": "2"},
            {"group": vip, "home": group, "before": None, "after": "3"},
        ],
    )

    def pays(**query: Any) -> str:
        rows = operator.get(f"{book}/prices", **query)["data"]
        return next(str(row["prices"]["fast"]) for row in rows if row["action"] == "PAN")

    assert (pays(), pays(group=group), pays(tenant=tenant.pk), pays(group=vip)) == (
        "0.10", "0.03", "0.03", "0.10",
    )  # fmt: skip
    asked = {"tenant": tenant.pk, "action": "PAN", "mode": "fast"}
    found = operator.get(f"{book}/quote", **asked)
    assert (found["amount"], found["ratio"], found["ratio_line"]) == ("0.03", None, None)
    assert [(row["group"], row["mode"]) for row in found["rules"]] == [(group, "fast"), (None, "")]
    found = operator.get(f"{book}/quote", **asked, key=key)
    assert (found["amount"], found["ratio"], found["group"]) == ("0.30", "3.000000", vip)
    assert found["ratio_line"]["home"] == group
    found = operator.get(f"{book}/quote", **asked | {"action": "UPSCALE_HD"})
    assert (found["names"][-1], found["rules"][0]["name"]) == ("mj_upscale", "mj_upscale")
    found = operator.get(f"{book}/quote", **asked | {"action": "LOW_VARIATION"})
    assert (found["amount"], found["rules"]) == (None, [])
    other = operator.ask("GET", f"{book}/quote", params=asked | {"key": 999999999})
    assert_refused(other, 404, "not_found")
