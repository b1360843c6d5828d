"""Prices from the command line."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing import book_files, books, drafts, ledger, preview
from billing.drafts import Ratio
from billing.models import PriceBook
from tests.accounts import Account
from tests.ledger import hold
from tests.prices import draft, lines, publish, rule
from tests.traffic import spread

pytestmark = pytest.mark.usefixtures("unseen")


@pytest.fixture
def prices(tmp_path: Path) -> str:
    return written(tmp_path, "prices.json", {"mj_imagine": 0.3})


def written(folder: Path, name: str, value: Any) -> str:
    file = folder / name
    file.write_text(json.dumps(value))
    return str(file)


def run(command: str, *args: str, **options: Any) -> str:
    out = StringIO()
    call_command(command, *args, stdout=out, **options)
    return out.getvalue()


def in_force() -> PriceBook:
    book = PriceBook.objects.in_force()
    assert book is not None
    return book


def test_prices_for_everybody_are_replaced_and_the_rest_stays(
    bystander: Account, prices: str
) -> None:
    old = draft(rule("mj_blend", "0.5", "relax"), rule("*", "2", tenant_id=bystander.tenant.pk))
    group = bystander.tenant.group_id
    drafts.set_ratio(old, Ratio(group, Decimal(2)))
    books.release(old, actor="test")
    assert "is in force now with 3 prices" in run("publish_prices", prices, memo="dearer")
    assert lines(in_force()) == {
        ("mj_imagine", "", None, None, 300_000),
        ("mj_blend", "relax", None, None, 500_000),
        ("*", "", bystander.tenant.pk, None, 2_000_000),
        (group, None, Decimal(2)),
    }
    assert (in_force().memo, in_force().published_by) == ("dearer", "command line")
    run("publish_prices", prices, "--from-scratch")
    assert lines(in_force()) == {("mj_imagine", "", None, None, 300_000)}


def test_ratios_come_from_files_of_their_own(
    bystander: Account, prices: str, tmp_path: Path
) -> None:
    name, group = bystander.tenant.name, bystander.tenant.group_id
    ratios = written(tmp_path, "ratios.json", {name: 0.5})
    by_home = written(tmp_path, "by_home.json", {name: {name: 0.25}})
    run("publish_prices", prices, "--ratios", ratios, "--group-ratios", by_home)
    assert lines(in_force()) >= {(group, None, Decimal("0.5")), (group, group, Decimal("0.25"))}


def test_prices_may_wait_for_their_time(prices: str) -> None:
    before = in_force()
    out = run("publish_prices", prices, "--at", "2999-01-01T00:00Z")
    assert "is in force from 2999-01-01" in out
    assert in_force() == before
    assert PriceBook.objects.upcoming().filter(effective_at__year=2999).exists()


def test_a_dry_run_shows_what_would_change_and_changes_nothing(
    bystander: Account, prices: str
) -> None:
    publish(rule("mj_imagine", "0.1"), rule("mj_blend", "0.1"))
    for name in ("mj_imagine", "mj_imagine", "mj_blend"):
        ledger.capture(reference=hold(bystander, price_name=name, mode="fast"), amount=100_000)
    yesterday = preview.yesterday().last
    spread(bystander.wallet, first=yesterday, last=yesterday)
    newest, before = PriceBook.objects.latest("id"), in_force()
    out = " ".join(run("publish_prices", prices, "--dry-run").split())
    assert (PriceBook.objects.latest("id"), in_force()) == (newest, before)
    assert "mj_imagine 0.10 -> 0.30" in out
    assert "mj_blend 0.10 -> none" in out
    # Number, refused, earned, would earn: of yesterday and of 30 days.
    assert out.count(f"tenant {bystander.tenant.name} 3 1 0.30 0.60") == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--at", "soon"], "is not a time"),
        (["--at", "2999-01-01T00:00"], "does not say its zone"),
        (["--at", "2020-01-01T00:00Z"], "before it is published"),
        (["--ratios", "/nowhere"], "No such file"),
        (["--memo", "x" * 201], "memo"),
    ],
)
def test_what_cannot_be_published_is_said(prices: str, options: list[str], says: str) -> None:
    newest = PriceBook.objects.latest("id")
    with pytest.raises(CommandError, match=says):
        run("publish_prices", prices, *options)
    assert PriceBook.objects.latest("id") == newest


@pytest.mark.parametrize("text", ["{}", "[]", '{"mj_imagine": -1}', "", '{"a": 1, "a": 2}'])
def test_a_file_that_makes_no_sense_changes_nothing(tmp_path: Path, text: str) -> None:
    newest = PriceBook.objects.latest("id")
    file = tmp_path / "prices.json"
    file.write_text(text)
    with pytest.raises(CommandError, match="line 1, column"):
        run("publish_prices", str(file))
    assert PriceBook.objects.latest("id") == newest


def test_books_are_shown(bystander: Account) -> None:
    book = draft(rule("mj_video", "7", "relax", tenant_id=bystander.tenant.pk))
    drafts.set_ratio(book, Ratio(bystander.tenant.group_id, Decimal("0.5")))
    shown = " ".join(run("show_prices", str(book.pk)).split())
    assert f"mj_video in relax for tenant {bystander.tenant.name} 7.00" in shown
    assert f"ratio of group {bystander.tenant.group.name} 0.5" in shown
    assert run("show_prices", "--json") == book_files.dump(in_force()) + "\n"
    assert json.loads(run("show_prices", str(book.pk), "--group-ratio")) == {
        bystander.tenant.group.name: 0.5
    }
    err = StringIO()
    assert "mj_imagine" in json.loads(run("show_prices", str(book.pk), "--model-price", stderr=err))
    assert "mj_video in relax" in err.getvalue()
    listed = run("show_prices", "--books").splitlines()
    assert listed[1].split()[:2] == [str(book.pk), "draft"]
    assert any(line.split()[1:3] == ["in", "force"] for line in listed[1:])
    with pytest.raises(CommandError, match="no such"):
        run("show_prices", str(2**62))


def test_prices_are_rolled_back() -> None:
    old = in_force()
    publish(rule("mj_imagine", "0.9"))
    assert f"a copy of {old}" in run("roll_back_prices", str(old.pk), actor="ann")
    assert (lines(in_force()), in_force().published_by) == (lines(old), "ann")
    with pytest.raises(CommandError, match="no such"):
        run("roll_back_prices", str(2**62))
    with pytest.raises(CommandError, match="never in force"):
        run("roll_back_prices", str(draft().pk))
