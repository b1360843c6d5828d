"""What the console's templates show."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from console import amounts
from console.templatetags import console as tags

HOSTILE = "<script>alert('x')</script>" + "\n" * 5 + "\N{HEBREW LETTER ALEF}" * 4000


def shown(source: str, **context: Any) -> str:
    request = RequestFactory().get("/console/x/?mode=fast&after=abc&page=")
    told = Context({"request": request, **context})
    return Template("{% load console %}" + source).render(told)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "$0.00"),
        (12_500_000, "$12.50"),
        ("0.0125", "$0.0125"),
        ("1234567.5", "$1,234,567.50"),
        (-2_000_000, "\N{MINUS SIGN}$2.00"),
        ("100.000000", "$100.00"),
        (1, "$0.000001"),
    ],
)
def test_money_is_shown_in_one_way(value: Any, text: str) -> None:
    assert amounts.text(value, currency="USD") == text


def test_a_currency_without_a_symbol_stands_behind() -> None:
    assert amounts.text("3", currency="CHF") == "3.00 CHF"


def test_money_is_in_the_sites_currency(database: str) -> None:
    assert shown("{{ a|money }} {{ b|money }}", a=1_500_000, b=None) == "$1.50 –"


def test_a_moment_is_relative_and_exact_in_the_viewers_zone() -> None:
    when = datetime(2026, 1, 2, 23, 30, tzinfo=UTC)
    with timezone.override(ZoneInfo("Asia/Shanghai")):
        told = shown("{% moment when %}", when=when.isoformat())
        exact = shown("{% instant when %}", when=when)
    assert 'datetime="2026-01-02T23:30:00+00:00"' in told
    assert "Jan. 3, 2026, 7:30 a.m. CST" in told
    assert ">2026-01-03 07:30:00<" in exact
    assert shown("{% moment when %}", when=None) == "–"


@pytest.mark.parametrize(
    ("away", "text"),
    [
        (timedelta(0), "just now"),
        (-timedelta(minutes=3), "3 minutes ago"),
        (-timedelta(hours=1, minutes=20), "1 hour ago"),
        (-timedelta(days=9), "9 days ago"),
        (timedelta(days=2, minutes=1), "in 2 days"),
    ],
)
def test_how_long_ago(away: timedelta, text: str) -> None:
    assert tags.ago(timezone.now() + away) == text


def test_a_moment_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="has a zone"):
        tags.moment("2026-01-02T00:00:00")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.42, "420 ms"), (4.24, "4.2 s"), (59.4, "59 s"), (185, "3 min 5 s"),
     (7800, "2 h 10 min"), (86400 * 3, "3 d")],
)  # fmt: skip
def test_durations(seconds: Any, text: str) -> None:
    assert tags.duration(seconds) == text


def test_shares_and_numbers() -> None:
    assert shown("{{ a|percent }} {{ a|percent:0 }} {{ n|number }}", a=0.975, n=1234567) == (
        "97.5 % 98 % 1,234,567"
    )


def test_a_word_of_the_api_has_a_colour_and_a_name() -> None:
    assert shown('{% status_badge "SUCCESS" %}') == '<span class="badge bg-green-lt">Success</span>'
    assert "bg-secondary-lt" in shown("{% status_badge s %}", s="<b>")
    assert "<b>" not in shown("{% status_badge s %}", s="<b>")


def test_an_icon_is_ornament_or_has_a_name() -> None:
    assert 'aria-hidden="true"' in shown('{% icon "key" %}')
    assert 'role="img" aria-label="a &quot;key"' in shown("{% icon 'key' label %}", label='a "key')
    with pytest.raises(ValueError, match="no icon"):
        tags.icon("no-such-icon")


def test_texts_of_others_are_only_text() -> None:
    told = shown("{% user_text text %}", text=HOSTILE)
    assert "<script>" not in told
    assert "&lt;script&gt;" in told
    assert 'dir="auto"' in told
    assert "<details" in told
    assert "<details" not in shown("{% user_text text %}", text="short")


def test_a_link_keeps_the_other_parameters() -> None:
    assert shown('{% query after="" limit=5 %}') == "/console/x/?mode=fast&amp;limit=5"


def test_a_sparkline_has_no_style_and_a_name() -> None:
    told = shown("{% sparkline values 'Success' %}", values=[1, None, 3, "2.5"])
    assert 'aria-label="Success"' in told
    assert told.count(",") == 3
    assert "style=" not in told
    assert shown("{% sparkline values %}", values=[None, 1]) == "–"


def test_a_plot_has_its_numbers_in_a_table_besides() -> None:
    series = [("Submits <b>", [1, None], ""), ("Cost", ["0.5", "2"], "money")]
    told = shown(
        "{% plot times series 'Use' 'bars' %}", times=["2026-01-01", "2026-01-02"], series=series
    )
    assert "1767225600" in told
    assert "<b>" not in told
    assert told.count("<tr>") == 3
    assert "style=" not in told


def test_numbers_and_words_follow_the_language() -> None:
    with translation.override("zh-hans"):
        assert shown("{{ n|number }}", n=1234567) == "1,234,567"
