"""A draft that is edited while it is published: a line is in the published book, or refused."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import books, drafts
from billing.drafts import Rule
from billing.errors import BookRefused
from billing.models import PriceBook, PriceRule
from tests.prices import lines
from tests.races.together import raised, returned, together
from tests.races.waiting import Waiting

EDITORS = 8

pytestmark = pytest.mark.usefixtures("own_database_url")


def empty() -> PriceBook:
    return books.draft(origin=None, actor="test")


def edit(draft: PriceBook, number: int) -> int:
    drafts.set_rule(draft, Rule(f"n{number}", number))
    return number


def insert(draft: PriceBook) -> None:
    """Past our functions, as a shell would."""
    PriceRule.objects.create(book_id=draft.pk, name="raw", amount=1)


@pytest.mark.parametrize("round_", range(5))
def test_editors_and_a_publisher(round_: int) -> None:
    draft = empty()
    editors = [partial(edit, draft, number) for number in range(EDITORS)]

    def publish() -> set[tuple[object, ...]]:
        return lines(books.release(PriceBook.objects.get(pk=draft.pk), actor="test"))

    *results, published = together([*editors, publish])
    assert published == lines(draft)
    assert {name for name, *_ in published} == {f"n{number}" for number in returned(results)}
    assert all(isinstance(error, BookRefused) for error in raised(results))


def test_of_several_publishers_and_deleters_one_wins() -> None:
    for _ in range(5):
        draft = empty()
        calls = [partial(books.release, draft, actor="test"), partial(books.discard, draft)]
        results = together(calls * 4)
        assert len(returned(results)) == 1
        assert all(isinstance(error, BookRefused) for error in raised(results))


def test_a_publisher_waits_for_the_line_that_is_being_written() -> None:
    for write in (lambda draft: edit(draft, 1), insert):
        draft = empty()
        with transaction.atomic():
            write(draft)
            publisher = Waiting(partial(books.release, draft, actor="test"))
        assert publisher.result() == draft
        assert PriceRule.objects.filter(book=draft).count() == 1


@pytest.mark.parametrize(
    ("write", "refusal"), [(lambda draft: edit(draft, 1), BookRefused), (insert, IntegrityError)]
)
def test_a_line_that_comes_while_the_book_is_published_is_refused(
    write: Callable[[PriceBook], object], refusal: type[Exception]
) -> None:
    draft = empty()
    with transaction.atomic():
        books.release(draft, actor="test")
        editor = Waiting(lambda: write(draft))
    with pytest.raises(refusal, match="is published"):
        editor.result()
    assert not PriceRule.objects.filter(book=draft).exists()


def test_two_who_replace_all_lines_leave_one_set_of_them() -> None:
    draft = empty()
    sets = [[Rule(f"n{number}", owner) for number in range(20)] for owner in range(6)]
    together([partial(drafts.replace_rules, draft, rules) for rules in sets])
    assert len(set(PriceRule.objects.filter(book=draft).values_list("amount", flat=True))) == 1
    assert PriceRule.objects.filter(book=draft).count() == 20


def test_of_a_withdrawal_and_an_edit_the_edit_comes_after_or_is_refused() -> None:
    for _ in range(5):
        draft = empty()
        books.release(draft, actor="test", effective_at=timezone.now() + timedelta(hours=1))
        book = PriceBook.objects.get(pk=draft.pk)
        withdrawn, edited = together([partial(books.withdraw, book), partial(edit, draft, 1)])
        assert withdrawn.published_at is None
        assert isinstance(edited, BookRefused) or lines(draft)
