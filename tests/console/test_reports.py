"""What was drawn, paid and earned: usage, statements, reports."""

import re
from typing import Any

import pytest
from django.test import Client

from billing import ledger
from relay import lifecycle
from relay.models import Task
from tests.accounts import Account
from tests.console.accounts.visitor import unique
from tests.console.money_desk import HOSTILE, draw, of_staff, of_tenant, place, text
from tests.faults.place import begin

REPORTS = "/console/reports/"


@pytest.fixture
def drawn(bystander: Account) -> Account:
    """Two drawings, 0.10 and 0.30, of which 0.05 was refunded."""
    draw(bystander, amount="0.30", cost="0.12")
    ledger.refund(reference=draw(bystander), amount=50_000, actor="test", memo="blurred")
    return bystander


def content(answer: Any) -> str:
    pieces: bytes = b"".join(answer.streaming_content)
    return pieces.decode("utf-8-sig")


def test_usage_shows_totals_plots_and_a_table(drawn: Account) -> None:
    viewer = of_tenant(drawn, "viewer")
    page = viewer.get(place(drawn, "usage/"))
    seen = text(page)
    for said in ("Drawings 2", "Paid $0.40", "Refunded $0.05", "Net $0.35"):
        assert said in seen
    assert page.content.decode().count("data-plot=") == 2
    split = text(viewer.get(place(drawn, "usage/"), {"by": ["key", "mode"], "sent": "1"}))
    assert "main Fast 2 $0.40 $0.05 $0.35" in split


def test_usage_comes_as_a_file_of_what_is_shown(drawn: Account) -> None:
    viewer = of_tenant(drawn, "viewer")
    page = viewer.get(place(drawn, "usage/"), {"by": ["key", "mode"], "sent": "1"})
    (link,) = re.findall(r'href="([^"]*format=csv[^"]*)"', page.content.decode())
    file = viewer.get(link.replace("&amp;", "&"))
    assert file["Content-Disposition"] == 'attachment; filename="usage.csv"'
    assert content(file).splitlines() == [
        "key_id,key,mode,drawn,paid,refunded,net",
        f"{drawn.token.pk},main,fast,2,0.40,0.05,0.35",
    ]


def test_usage_of_nothing_says_so(bystander: Account) -> None:
    page = of_tenant(bystander).get(place(bystander, "usage/"), {"test": "true"})
    assert "Nothing was drawn in this time." in text(page)
    assert "data-plot=" not in page.content.decode()


WRONG_DAYS = [
    {"first": "2026-02-02", "last": "2026-02-01"}, {"first": "2026-02-02"}, {"first": "x"},
    {"first": "0001-01-01", "last": "9999-12-31"}, {"first": "2026-02-30", "last": "\x00"},
]  # fmt: skip


@pytest.mark.parametrize("query", [*WRONG_DAYS, {"by": "colour"}, {"test": "maybe"}])
def test_a_period_that_cannot_be_is_said_on_the_page(
    bystander: Account, query: dict[str, str]
) -> None:
    operator = of_staff()
    urls = [place(bystander, "usage/"), REPORTS]
    urls += [place(bystander, "statements/")] if "first" in query else []
    for url in urls:
        if url == REPORTS and "test" in query:
            continue
        page = operator.get(url, query)
        assert page.status_code == 200
        body = page.content.decode()
        assert "invalid-feedback" in body or "alert-danger" in body
        file = operator.get(url, {**query, "format": "csv"})
        assert "Content-Disposition" not in file


def test_a_statement_adds_up_and_comes_as_files(drawn: Account) -> None:
    viewer = of_tenant(drawn, "viewer")
    url = place(drawn, "statements/")
    seen = text(viewer.get(url))
    assert "Balance at the end $99.65" in seen
    assert "Not over yet" in seen
    assert "Capture 2 −$0.40" in seen
    assert f"main ({drawn.token.prefix}…) 2 −$0.40" in seen
    for kind, begins, media_type in (
        ("pdf", b"%PDF", "application/pdf"),
        ("csv", b"\xef\xbb\xbfsection,", "text/csv"),
        ("entries", b"\xef\xbb\xbfid,time,", "text/csv"),
    ):
        file = viewer.get(url, {"format": kind})
        assert b"".join(file.streaming_content).startswith(begins)
        assert file["Content-Type"].startswith(media_type)
        assert file["Content-Disposition"].startswith("attachment; filename=")
    assert "Nothing happened in this time." in text(
        viewer.get(url, {"first": "2020-01-01", "last": "2020-01-31"})
    )


def test_months_are_whole(bystander: Account) -> None:
    body = of_tenant(bystander).get(place(bystander, "statements/")).content.decode()
    months = re.findall(r'dropdown-item[^"]*" href="[^"]*first=(\S+?)-01&amp;last=\1-(\d\d)"', body)
    assert len(months) == 12
    assert {day for _month, day in months} >= {"30", "31"}


def test_a_report_shows_what_was_earned_split_as_asked(drawn: Account) -> None:
    finance = of_staff("finance")
    query = {"tenant": str(drawn.tenant.pk), "by": ["channel", "tenant", "key", "action"]}
    seen = text(finance.get(REPORTS, query))
    for said in ("Revenue $0.40", "Net $0.35", "Cost $0.14", "Margin $0.21"):
        assert said in seen
    names = f"{drawn.channel.name} {drawn.tenant.name} main #{drawn.token.pk}"
    assert re.search(re.escape(names) + r" \S+ 2 \$0.40 \$0.05 \$0.35 \$0.14 \$0.21", seen)


def test_a_report_shows_the_chosen_columns(drawn: Account) -> None:
    query = {"tenant": str(drawn.tenant.pk), "by": "mode", "columns": ["net", "releases"]}
    body = of_staff("finance").get(REPORTS, query).content.decode()
    heads = re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', body)
    assert heads == ["Mode", "Net", "Free, as they failed"]


def test_lines_of_failures_alone_are_shown_to_those_who_ask_for_them(bystander: Account) -> None:
    task = begin(bystander)
    lifecycle.fail(Task.objects.select_related("token").get(pk=task), "no")
    query = {"tenant": str(bystander.tenant.pk), "by": ["day", "channel"]}
    finance = of_staff("finance")
    assert "Nothing was drawn in this time." in text(finance.get(REPORTS, query))
    seen = text(finance.get(REPORTS, query | {"columns": ["captures", "releases"]}))
    assert re.search(r"none 0 1\b", seen)


def test_the_usual_period_is_marked(drawn: Account) -> None:
    def marked(url: str, query: dict[str, str]) -> list[str]:
        body = of_staff().get(url, query).content.decode()
        return re.findall(r'aria-current="true">([^<]+)</a>', body)

    for url in (REPORTS, place(drawn, "usage/"), place(drawn, "statements/")):
        assert "Last 30 days" in marked(url, {})
        assert "Last 30 days" not in marked(url, {"first": "2020-01-01", "last": "2020-01-02"})


@pytest.mark.parametrize("named", ["{name}", "{name} #{pk}", "{pk}", "{part}"])
def test_a_tenant_is_chosen_by_name(drawn: Account, named: str) -> None:
    # Its end is no other one's.
    name = f"{unique('Lighthouse keepers')}!"
    type(drawn.tenant).objects.filter(pk=drawn.tenant.pk).update(name=name)
    told = named.format(name=name, pk=drawn.tenant.pk, part=name[-8:].upper())
    page = of_staff("finance").get(REPORTS, {"tenant": told, "by": "tenant"})
    assert re.search(rf"{name} 2 \$0.40", text(page))
    link = re.findall(r'href="([^"]*format=csv[^"]*)"', page.content.decode())[0]
    file = content(of_staff("finance").get(link.replace("&amp;", "&")))
    assert file.splitlines()[1].startswith(f"{name},2,")


def test_a_report_comes_as_a_file_with_the_same_filters(drawn: Account) -> None:
    finance = of_staff("finance")
    query = {"tenant": str(drawn.tenant.pk), "by": ["tenant", "mode"], "sent": "1"}
    page = finance.get(REPORTS, query).content.decode()
    (link,) = re.findall(r'href="([^"]*format=csv[^"]*)"', page)
    rows = content(finance.get(link.replace("&amp;", "&"))).splitlines()
    assert rows[0].startswith("tenant,mode,captures,revenue")
    assert rows[1].startswith(f"{drawn.tenant.name},fast,2,0.40,1,0.05,0.35,0.14,0,0.21")
    assert len(rows) == 3


def test_an_unknown_cost_is_no_margin(bystander: Account) -> None:
    draw(bystander, cost=None)
    query = {"tenant": str(bystander.tenant.pk)}
    seen = text(of_staff("finance").get(REPORTS, query))
    assert "Margin ≤ $0.10" in seen
    assert "of 1 not known" in seen


def test_a_report_split_by_nothing_is_only_its_total(drawn: Account) -> None:
    query = {"tenant": str(drawn.tenant.pk), "sent": "1"}
    page = of_staff("finance").get(REPORTS, query)
    assert "Revenue $0.40" in text(page)
    assert "<table" not in page.content.decode()


@pytest.mark.parametrize("query", [{}, {"first": "x"}, {"format": "csv"}])
def test_support_sees_no_reports(bystander: Account, query: dict[str, str]) -> None:
    del bystander
    assert of_staff("support").get(REPORTS, query).status_code == 403


def test_hostile_names_are_only_text(drawn: Account) -> None:
    type(drawn.tenant).objects.filter(pk=drawn.tenant.pk).update(name=HOSTILE)
    type(drawn.token).objects.filter(pk=drawn.token.pk).update(name=HOSTILE + unique("x"))
    operator: Client = of_staff()
    for url, query in (
        (REPORTS, {"tenant": str(drawn.tenant.pk), "by": ["tenant", "key"]}),
        (place(drawn, "usage/"), {"by": "key"}),
        (place(drawn, "statements/"), {}),
    ):
        body = operator.get(url, query).content.decode()
        assert "&lt;script&gt;alert(1)" in body
        assert "<script>alert(1)" not in body
