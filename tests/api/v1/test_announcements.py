"""What the site says to tenants: to all of them, to groups, to single ones, and when."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.models import Announcement, Group
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, unique

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def nothing_stays(database: str) -> Iterator[None]:
    yield
    Announcement.objects.all().delete()


def told(desk: Desk) -> set[str]:
    return {row["title"] for row in desk.owner.get("announcements")["data"]}


def say(desk: Desk, **fields: Any) -> Any:
    return desk.operator.post("site-announcements", **{"title": unique("news"), **fields})


def moment(distance: timedelta) -> str:
    return (datetime.now(UTC) + distance).isoformat()


def test_each_tenant_hears_what_is_for_it_and_nothing_else(desk: Desk, shared_desk: Desk) -> None:
    group = desk.tenant.group.name
    for_all = say(desk, text="<script>alert(1)</script>\n\u05d0\u05d1")
    for_group = say(desk, audience="groups", groups=[group], level="warning")
    for_one = say(desk, audience="tenants", tenants=[desk.tenant.pk], level="danger")
    titles = {row["title"] for row in (for_all, for_group, for_one)}
    assert told(desk) >= titles
    assert told(shared_desk) & titles == {for_all["title"]}
    below = desk.operator.get(f"{desk.base}announcements")["data"]
    assert {row["title"] for row in below} >= titles
    (shown,) = (row for row in below if row["id"] == for_all["id"])
    assert set(shown) == {"id", "title", "text", "level", "starts_at", "ends_at"}
    assert shown["text"] == "<script>alert(1)</script>\n\u05d0\u05d1"


def test_it_is_heard_from_its_start_to_its_end(desk: Desk) -> None:
    past = say(desk, starts_at=moment(-2 * DAY), ends_at=moment(-DAY))
    present = say(desk, starts_at=moment(-DAY), ends_at=moment(DAY))
    future = say(desk, starts_at=moment(DAY))
    assert [row["is_in_force"] for row in (past, present, future)] == [False, True, False]
    assert told(desk) == {present["title"]}
    path = f"site-announcements/{future['id']}"
    assert desk.operator.patch(path, starts_at=moment(-DAY))["is_in_force"]
    assert told(desk) == {present["title"], future["title"]}
    desk.operator.patch(f"site-announcements/{present['id']}", ends_at=moment(-timedelta(hours=1)))
    assert told(desk) == {future["title"]}


def test_it_is_changed_and_deleted(desk: Desk) -> None:
    made = say(desk, audience="tenants", tenants=[desk.tenant.pk])
    assert made["named_tenants"] == [{"id": desk.tenant.pk, "name": desk.tenant.name}]
    path = f"site-announcements/{made['id']}"
    changed = desk.operator.patch(path, title="better", audience="all", tenants=[])
    assert (changed["title"], changed["audience"], changed["tenants"]) == ("better", "all", [])
    assert desk.operator.get(path) == changed
    assert changed["id"] in {row["id"] for row in desk.operator.get("site-announcements")["data"]}
    desk.operator.delete(path)
    assert_refused(desk.operator.ask("GET", path), 404, "not_found")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "title"),
        ({"title": "x", "level": "loud"}, "level"),
        ({"title": "x", "ends_at": "2001-01-01T00:00:00Z"}, "ends_at: it ends before"),
        ({"title": "x", "audience": "groups"}, "groups: name whom"),
        ({"title": "x", "audience": "tenants"}, "tenants: name whom"),
        ({"title": "x", "groups": ["default"]}, "groups: these belong"),
        ({"title": "x", "audience": "groups", "groups": ["no such"]}, "no group"),
        ({"title": "x", "audience": "tenants", "tenants": [999999999]}, "no tenant"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "x", "text": "x" * 5001}, "text"),
    ],
)
def test_what_makes_no_sense_is_refused(
    shared_desk: Desk, fields: dict[str, Any], says: str
) -> None:
    Group.objects.get_or_create(name="default")
    before = Announcement.objects.count()
    refused = shared_desk.operator.ask("POST", "site-announcements", json=fields)
    assert_refused(refused, 400, "invalid_request", says=says)
    assert Announcement.objects.count() == before
