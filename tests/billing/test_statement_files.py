"""Statements as files: CSV that a spreadsheet shows and never runs, and PDF."""

import csv
import random
from datetime import date
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from pypdf import PdfReader

from billing import ledger, money, statement_files, statements
from billing.models import Entry, Tenant, Token
from billing.periods import Period
from common import sheets
from tests.accounts import Account
from tests.ledger import hold
from tests.traffic import spread, wild

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
DAYS = ("2026-03-01", "2026-03-31")


@pytest.fixture
def busy(bystander: Account) -> Account:
    wild([bystander, bystander.new_key()], steps=40, dice=random.Random(11))
    spread(bystander.wallet, first=date(2026, 2, 27), last=date(2026, 4, 1))
    return bystander


def file(account: Account, format: str) -> bytes:
    made = statement_files.make(format=format, tenant_id=account.tenant.pk, period=MARCH)
    return b"".join(made.pieces)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content.decode("utf-8-sig"))))


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]


def added(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column] or 0) for row in rows), Decimal(0))


def test_the_totals_of_the_csv_are_the_sums_of_its_lines(busy: Account) -> None:
    rows = table(file(busy, "csv"))
    sections = {name: [row for row in rows if row["section"] == name] for name in (
        "opening", "kind", "kind total", "closing", "key", "key total", "action", "action total"
    )}  # fmt: skip
    assert [row["name"] for row in sections["kind"]] == Entry.Kind.values
    for section, columns in (
        ("kind", ("entries", "balance", "held")),
        ("key", ("captures", "captured", "refunds", "refunded", "releases", "net")),
        ("action", ("captures", "captured", "refunds", "refunded", "releases", "net")),
    ):
        assert len(sections[section]) > 1
        (total,) = sections[f"{section} total"]
        for column in columns:
            assert added(sections[section], column) == Decimal(total[column]), (section, column)
    (opening,), (total,), (closing,) = (
        sections[name] for name in ("opening", "kind total", "closing")
    )
    for column in ("balance", "held"):
        assert Decimal(opening[column]) + Decimal(total[column]) == Decimal(closing[column])
    statement = statements.statement(tenant_id=busy.tenant.pk, period=MARCH)
    assert closing["balance"] == money.text(statement.closing_balance) != opening["balance"]


def test_the_lines_of_the_csv_are_the_entries(busy: Account) -> None:
    rows = table(file(busy, "entries"))
    inside = Entry.objects.filter(
        wallet=busy.wallet, created_at__gte=MARCH.began, created_at__lt=MARCH.ended
    ).order_by("id")
    assert [(row["id"], row["kind"], row["amount"], row["held_after"]) for row in rows] == [
        (str(entry.pk), entry.kind, money.text(entry.amount), money.text(entry.held_after))
        for entry in inside
    ]
    (total,) = [row for row in table(file(busy, "csv")) if row["section"] == "kind total"]
    assert str(len(rows)) == total["entries"] != "0"
    assert added(rows, "amount") == Decimal(total["balance"])
    assert added(rows, "held") == Decimal(total["held"])


def test_a_tenant_does_not_see_what_the_site_pays_and_whom(busy: Account) -> None:
    columns = {*statement_files.ENTRY_COLUMNS, *statement_files.SUMMARY_COLUMNS}
    assert not columns & {"cost", "channel", "actor", "margin"}


FORMULAS = ["=1+1", "+one", "-two", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1+1", "\n=1"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_text_of_the_tenant_is_no_formula(bystander: Account, formula: str) -> None:
    Tenant.objects.filter(pk=bystander.tenant.pk).update(name=f"{formula}{bystander.tenant.pk}")
    Token.objects.filter(pk=bystander.token.pk).update(name=formula)
    reference = hold(bystander)
    ledger.capture(reference=reference, amount=1, memo=formula)
    spread(bystander.wallet, first=MARCH.first, last=MARCH.last)
    for content in (file(bystander, "csv"), file(bystander, "entries")):
        cells = [
            cell
            for row in csv.reader(StringIO(content.decode("utf-8-sig"), newline=""))
            for cell in row
        ]
        texts = [cell for cell in cells if formula in cell]
        assert texts
        assert all(text.startswith("'") for text in texts)
    # Figures of ours stay figures.
    assert "-0.000001" in cells


@pytest.mark.parametrize("text", ["", " ", "main", "客户", "a=b", "1-2", "'quoted"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert sheets.text(text) == text


def test_a_csv_is_utf_8_with_the_mark_that_excel_needs(bystander: Account) -> None:
    Tenant.objects.filter(pk=bystander.tenant.pk).update(name='北京画室,"一"\n部')
    content = file(bystander, "csv")
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\xef\xbb\xbf") == 1
    assert [row["name"] for row in table(content) if row["section"] == "tenant"] == [
        "北京画室,\"一\"\n部"
    ]  # fmt: skip


def test_a_long_csv_comes_in_pieces(bystander: Account) -> None:
    rows = ([number, "x" * 100] for number in range(10_000))
    pieces = list(sheets.stream(rows))
    assert len(pieces) > 10
    assert max(map(len, pieces)) < 70_000
    assert len(list(csv.reader(StringIO(b"".join(pieces).decode("utf-8-sig"))))) == 10_000


def test_a_pdf_shows_the_account(busy: Account, settings: LazySettings) -> None:
    settings.SITE_NAME = "North Star Relay"
    settings.CURRENCY = "EUR"
    (text,) = pages(file(busy, "pdf"))
    statement = statements.statement(tenant_id=busy.tenant.pk, period=MARCH)
    for shown in (
        "North Star Relay", "Statement of account", busy.tenant.name, "2026-03-01 to 2026-03-31",
        "EUR", "before the period was over" if not statement.is_final else "UTC", "Page 1 of 1",
        "Opening balance", money.text(statement.opening_balance),
        "Closing balance", money.text(statement.closing_balance),
        f"{statement.kinds['refund'].number}\n+{money.text(statement.kinds['refund'].amount)}",
        money.text(statement.drawn.net), "mj_imagine", "turbo", "By key", "By action and mode",
    ):  # fmt: skip
        assert shown in text, shown
    for key in statement.by_key:
        assert key.name in text.replace("\n", "")


def test_a_pdf_shows_chinese_and_what_looks_like_markup(
    bystander: Account, settings: LazySettings
) -> None:
    settings.SITE_NAME = "绘图中继站"
    Tenant.objects.filter(pk=bystander.tenant.pk).update(name="北京<b>画室</b>&有限公司")
    Token.objects.filter(pk=bystander.token.pk).update(name="主要密钥 " + "长" * 90)
    ledger.release(reference=hold(bystander))
    spread(bystander.wallet, first=MARCH.first, last=MARCH.last)
    (text,) = pages(file(bystander, "pdf"))
    joined = text.replace("\n", "")
    for shown in ("绘图中继站", "北京<b>画室</b>&有限公司", "主要密钥 " + "长" * 90, "mj_imagine"):
        assert shown in joined, shown


def test_a_pdf_of_many_keys_has_numbered_pages(bystander: Account) -> None:
    for number in range(70):
        key = bystander.new_key()
        Token.objects.filter(pk=key.token.pk).update(name=f"key number {number:02d}")
        ledger.release(reference=hold(key))
    spread(bystander.wallet, first=MARCH.first, last=MARCH.last)
    shown = pages(file(bystander, "pdf"))
    assert len(shown) == 3
    for number, text in enumerate(shown, 1):
        assert f"Page {number} of 3" in text
        assert "MJ Relay: statement 2026-03-01 to 2026-03-31" in text
    everything = "".join(shown).replace("\n", "")
    assert all(f"key number {number:02d} (sk-" in everything for number in range(70))


def test_more_lines_than_anybody_reads_are_not_printed(
    bystander: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from billing import statement_pdf

    monkeypatch.setattr(statement_pdf, "ROWS_MAX", 3)
    for mode in ("a", "b", "c", "d", "e"):
        ledger.capture(reference=hold(bystander, mode=mode), amount=1_000)
    spread(bystander.wallet, first=MARCH.first, last=MARCH.last)
    (text,) = pages(file(bystander, "pdf"))
    assert "and 2 more, see the CSV file" in text.replace("\n", " ")
    # The total is that of all.
    assert "-0.005" in text


def statement(*args: str) -> str:
    said = StringIO()
    call_command("statement", *args, stdout=said)
    return said.getvalue()


def test_the_command_shows_it_on_the_terminal(busy: Account) -> None:
    text = statement(busy.tenant.name, *DAYS)
    lines = text.splitlines()
    account = statements.statement(tenant_id=busy.tenant.pk, period=MARCH)
    assert lines[0] == f"Customer  {busy.tenant.name}"
    (closing,) = [line.split() for line in lines if "Closing balance" in line]
    assert closing[2:] == [
        str(account.total.number),
        money.text(account.closing_balance),
        money.text(account.closing_held),
    ]
    # The columns of one table end at the same place.
    start = lines.index("By key") + 1
    assert len({len(line) for line in lines[start : lines.index("", start)]}) == 1


@pytest.mark.parametrize("format", ["csv", "entries"])
def test_the_command_writes_the_csv(busy: Account, format: str, tmp_path: Path) -> None:
    output = tmp_path / "statement.csv"
    said = statement(busy.tenant.name, *DAYS, "--format", format, "-o", str(output))
    assert said == f"written to {output}\n"
    printed = statement(busy.tenant.name, *DAYS, "--format", format)
    assert _without_time(printed) == _without_time(output.read_bytes().decode())
    assert len(printed.splitlines()) > 10


def _without_time(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith(("final", "provisional"))]


def test_the_command_writes_the_pdf(busy: Account, tmp_path: Path) -> None:
    output = tmp_path / "statement.pdf"
    statement(busy.tenant.name, *DAYS, "--format", "pdf", "-o", str(output))
    assert busy.tenant.name in pages(output.read_bytes())[0]


def test_the_command_says_what_is_wrong(busy: Account, tmp_path: Path) -> None:
    name = busy.tenant.name
    for args, says in (
        (("nobody", *DAYS), "there is no tenant nobody"),
        ((name, "yesterday", "2026-03-01"), "'yesterday' is not a day like 2026-01-31"),
        ((name, "2026-03-02", "2026-03-01"), "the period ends before it begins"),
        ((name, *DAYS, "--format", "pdf"), "a pdf needs a file to go to"),
        ((name, *DAYS, "--format", "csv", "-o", str(tmp_path)), "Is a directory"),
    ):
        with pytest.raises(CommandError, match=says):
            statement(*args)
