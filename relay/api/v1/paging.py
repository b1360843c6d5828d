"""Lists in pages: the next one begins where this one ended, whatever was written in between."""

import base64
import binascii
from functools import cache
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from relay.api.v1.fields import ID_MAX, Query, Strict, Text, Whole
from relay.errors import InvalidRequest

PAGE_ROWS = 50
PAGE_ROWS_MAX = 200
CURSOR_MAX_CHARS = 40


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
