"""Lists in pages: the next one begins where this one ended, whatever was written in between."""

import base64
import binascii
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from rest_framework import serializers

from relay.api.v1.fields import ID_MAX, Query, Strict, Text, Whole
from relay.errors import InvalidRequest

PAGE_ROWS = 50
PAGE_ROWS_MAX = 200
CURSOR_MAX_CHARS = 40
# A question that hardly any row fits must not read a table of millions at once.
LOOKED_THROUGH_MAX = 10_000


class PageQuery(Query):
    limit = Whole(
        min_value=1,
        max_value=PAGE_ROWS_MAX,
        required=False,
        default=PAGE_ROWS,
        help_text="How many at most.",
    )
    after = Text(
        max_length=CURSOR_MAX_CHARS, required=False, help_text="`next` of the page before."
    )


class Page(dict[str, Any]):
    """`data` and `next`, as `page_of` shows it."""


def page(rows: QuerySet[Any], query: dict[str, Any]) -> Page:
    """One page of `rows`, the newest first. No count of all is made."""
    limit = query["limit"]
    if "after" in query:
        rows = rows.filter(pk__lt=_id(query["after"]))
    found = list(rows.order_by("-pk")[: limit + 1])
    shown = found[:limit]
    return Page(data=shown, next=_cursor(shown[-1].pk) if len(found) > limit else None)


def page_of_few(rows: QuerySet[Any], columns: dict[str, Any], query: dict[str, Any]) -> Page:
    """The same of those of `rows` whose `columns` have these values, which no index finds. No more
    than LOOKED_THROUGH_MAX of `rows` are looked through for a page, newest first; it may have
    fewer than asked for, or none, and a `next` all the same."""
    begun = rows.filter(pk__lt=_id(query["after"])) if "after" in query else rows
    begun = begun.order_by("-pk")
    most = query["limit"] + 1
    ids = [pk for (pk,) in fitting(begun, columns, most, look=LOOKED_THROUGH_MAX)]
    wanted = ids[: query["limit"]]
    # Where the next page begins: behind what is shown, or else behind what was looked through.
    last = begun.values_list("pk", flat=True)[LOOKED_THROUGH_MAX - 1 : LOOKED_THROUGH_MAX]
    edges = wanted[-1:] if len(ids) > len(wanted) else list(last)
    found = list(rows.filter(pk__in=wanted).order_by("-pk"))
    return Page(data=found, next=_cursor(edges[0]) if edges else None)


def fitting(
    begun: QuerySet[Any],
    columns: dict[str, Any],
    most: int,
    *,
    look: int,
    order: Sequence[str] = ("id",),
) -> list[tuple[Any, ...]]:
    """The columns of `order`, by which `begun` is sorted downwards, of the first `most` rows whose
    `columns` have these values, among the first `look`. LIMIT within keeps the planner from a way
    of its own through the whole table, and the one outside ends the reading as soon as there are
    enough."""
    try:
        inner = begun.values(*order, *columns)[:look].query
        statement, params = inner.sql_with_params()
    except EmptyResultSet:
        # What Django sees without asking: no id is so large, or in no list.
        return []
    fits = " AND ".join(f"looked.{name} = %s" for name in columns)
    names, newest_first = ", ".join(order), ", ".join(f"{name} DESC" for name in order)
    # (The names are the program's, and so are those in what Django has written.)
    whole = f"""
        SELECT {names} FROM ({statement}) looked WHERE {fits}
        ORDER BY {newest_first} LIMIT {most}
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(whole, [*params, *columns.values()])
        return list(cursor.fetchall())


def shown(rows: Page, show: Any) -> Page:
    """The same page with `show(row)` in place of each row."""
    return Page(data=[show(row) for row in rows["data"]], next=rows["next"])


@cache
def page_of(kind: type[Strict]) -> type[Strict]:
    """What a page of these looks like."""
    return type(
        f"{kind.__name__}Page",
        (Strict,),
        {
            "data": kind(many=True),
            "next": serializers.CharField(
                allow_null=True, help_text="Send it as `after`; null: this was the last page."
            ),
        },
    )


@cache
def list_of(kind: type[Strict]) -> type[Strict]:
    """All of something that is never much."""
    return type(f"{kind.__name__}List", (Strict,), {"data": kind(many=True)})


def _cursor(pk: int) -> str:
    return base64.urlsafe_b64encode(str(pk).encode()).decode().rstrip("=")


def _id(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        number = int(text)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("after: this is not the `next` of a page") from error
    if not text.isdigit() or number > ID_MAX:
        raise InvalidRequest("after: this is not the `next` of a page")
    return number
