"""Lists: in pages, without a row twice or lost, and with what is searched for taken literally."""

from typing import Any

import pytest

from billing import tokens
from billing.models import CodeBatch, Entry, Group, Notice, PriceBook
from channels.models import Channel
from tests.accounts import open_tenant
from tests.api.shapes import assert_refused
from tests.api.v1.desk import DOCUMENT, PREFIX, Desk, unique
from tests.stack import Stack

ROWS = 250
LISTS = [
    path.removeprefix(PREFIX)
    for path, methods in DOCUMENT["paths"].items()
    if "get" in methods
    and any(row["name"] == "after" for row in methods["get"].get("parameters", ()))
    and not path.startswith(f"{PREFIX}tenants/{{")
]


def notices(desk: Desk, number: int) -> None:
    Notice.objects.bulk_create(
        Notice(tenant=desk.tenant, kind="test", subject="x", text="x") for _ in range(number)
    )


def test_all_rows_come_once_however_many_are_written_meanwhile(desk: Desk) -> None:
    notices(desk, ROWS)
    wanted = list(Notice.objects.filter(tenant=desk.tenant).values_list("pk", flat=True))
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 60}
    pages = 0
    while True:
        page = desk.owner.get("notices", **query)
        seen += [row["id"] for row in page["data"]]
        pages += 1
        if page["next"] is None:
            break
        query["after"] = page["next"]
        notices(desk, 7)
    assert (pages, len(seen), len(set(seen))) == (5, ROWS, ROWS)
    assert seen == sorted(wanted, reverse=True)


def test_a_page_that_ends_with_the_last_row_has_no_next(desk: Desk) -> None:
    notices(desk, 4)
    assert desk.owner.get("notices", limit=4)["next"] is None
    page = desk.owner.get("notices", limit=3)
    assert len(page["data"]) == 3
    assert len(desk.owner.get("notices", limit=3, after=page["next"])["data"]) == 1


WRONG: list[dict[str, str]] = [
    {"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"limit": "9" * 400}, {"limit": "1.5"},
    {"after": "x"}, {"after": "-1"}, {"after": "\u00e9"}, {"after": "9" * 40}, {"after": ""},
    {"after": "LTE"}, {"after": "MQ\x00"}, {"limt": "5"}, {"id\x00": "5"},
]  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_bounded_and_says_what_is_wrong(shared_desk: Desk, path: str) -> None:
    key = shared_desk.owner if path in OWN else shared_desk.operator
    book = PriceBook.objects.latest("pk").pk
    batch = CodeBatch.objects.get_or_create(name="x", amount=1)[0].pk
    for query in WRONG:
        (name,) = query
        address = path.replace("{book_id}", str(book))
        address = address.replace("{channel_id}", str(shared_desk.account.channel.pk))
        address = address.replace("{batch_id}", str(batch))
        answer = key.ask("GET", address, params=query)
        assert_refused(answer, 400, "invalid_request", says=f"{name}: ")


OWN = {
    "keys", "tasks", "callbacks", "notices", "entries", "top-ups", "members", "management-keys",
    "invitations", "audit", "hooks/failing", "hooks/test",
}  # fmt: skip


def test_every_list_is_known() -> None:
    assert OWN | {
        "tenants", "groups", "channels", "price-books", "code-batches", "proofs",
        "site-announcements",
        "price-books/{book_id}/rules", "price-books/{book_id}/ratios",
        "channels/{channel_id}/events", "channels/{channel_id}/probes",
        "channels/{channel_id}/attempts",
        "staff", "staff/invitations", "code-batches/{batch_id}/codes",
    } == set(LISTS)  # fmt: skip


WORDS = ("100%_sure", "100xysure", "back\\slash", "50% off")
SEARCHES = [("%", {0, 3}), ("_", {0}), ("\\", {2}), ("100%", {0}), ("%_", {0}), ("SURE", {0, 1})]


@pytest.mark.parametrize(("text", "found"), SEARCHES)
def test_what_is_searched_for_is_taken_literally(
    desk: Desk, stack: Stack, text: str, found: set[int]
) -> None:
    mark = unique("z")
    names = [f"{mark} {word}" for word in WORDS]
    for name in names:
        tokens.make(tenant=desk.tenant, name=name)
        Group.objects.create(name=name)
        Channel.objects.create(name=name, kind="trueai", base_url="http://x.example", groups=["z"])
    wanted = {names[number] for number in found}
    assert _names(desk.owner.get("keys", q=text)) == wanted
    for path in ("groups", "channels"):
        page = desk.operator.get(path, q=text, limit=200)
        assert {name for name in _names(page) if name.startswith(mark)} == wanted
    Channel.objects.filter(name__in=names).delete()


@pytest.mark.parametrize("text", ["%", "_", "\\"])
def test_tenants_are_searched_for_literally(desk: Desk, text: str) -> None:
    tenant, _, _ = open_tenant(funds="0")
    name = unique(f"odd{text}one")
    path = f"tenants/{tenant.pk}"
    desk.operator.patch(path, name=name)
    assert _names(desk.operator.get("tenants", q=f"odd{text}one", limit=200)) >= {name}
    assert desk.tenant.name not in _names(desk.operator.get("tenants", q=text, limit=200))


def test_tasks_are_found_by_how_their_id_begins(desk: Desk) -> None:
    task_id = desk.account.draw("zzslow")
    other = desk.account.draw("zzslow")
    for digits in (task_id, task_id[:15], task_id[:9], task_id[:1]):
        assert task_id in {row["id"] for row in desk.owner.get("tasks", id=digits)["data"]}
    assert [row["id"] for row in desk.owner.get("tasks", id=other)["data"]] == [other]
    for none in ("999", "%", "_", "x", "\u0661", task_id[1:]):
        assert desk.owner.get("tasks", id=none)["data"] == []


def test_tasks_are_found_by_each_of_their_marks(desk: Desk) -> None:
    account = desk.account
    done = account.finish(account.draw(mode="RELAX"))["id"]
    under_way = account.draw("zzslow")
    for query, wanted in (
        ({"status": "SUCCESS"}, {done}),
        ({"mode": "relax"}, {done}),
        ({"mode": "turbo"}, set()),
        ({"action": "IMAGINE"}, {done, under_way}),
        ({"key": account.token.pk}, {done, under_way}),
        ({"is_test": "true"}, set()),
        ({"since": "2099-01-01T00:00:00Z"}, set()),
        ({"until": "2099-01-01T00:00:00+08:00"}, {done, under_way}),
        ({"since": "0001-01-01T00:00:00Z", "until": "0001-01-02T00:00:00Z"}, set()),
    ):
        assert {row["id"] for row in desk.owner.get("tasks", **query)["data"]} == wanted, query
    refused = desk.owner.ask("GET", "tasks", params={"channel": account.channel.pk})
    assert_refused(refused, 403, "role_not_allowed")
    seen = desk.operator.get("tasks", channel=account.channel.pk)["data"]
    assert {row["id"] for row in seen} == {done, under_way}
    assert Entry.objects.filter(wallet=account.wallet, kind="hold").count() == 2


def _names(page: dict[str, Any]) -> set[str]:
    return {row["name"] for row in page["data"]}
