"""Single values of a row: three kinds of databases, and whatever SQLite let in.

A column that is not there, or empty, is the default. All raise Unfit.
"""

from decimal import Decimal
from typing import Any

from relay.newapi_import.errors import Unfit
from relay.newapi_import.source import Row

# Of a column of the databases read here, which is 64 bits wide.
INTEGER_LIMIT = 2**63
_FLAGS = {"1": True, "true": True, "t": True, "0": False, "false": False, "f": False, "": False}


def integer(row: Row, column: str, default: int = 0) -> int:
    value = row.get(column)
    if value is None or value == "":
        return default
    try:
        number = int(_plain(value))
        if isinstance(value, float | Decimal) and number != value:
            raise Unfit(f"{column} is not a whole number")
    except (ValueError, TypeError, ArithmeticError) as error:
        raise Unfit(f"{column} is not a whole number") from error
    if abs(number) >= INTEGER_LIMIT:
        raise Unfit(f"{column} is absurdly large")
    return number


def text(row: Row, column: str, default: str = "") -> str:
    """Without blanks around it: a CHAR column of PostgreSQL is filled up with them."""
    value = row.get(column)
    return default if value is None else str(_plain(value)).strip()


def flag(row: Row, column: str) -> bool:
    value = row.get(column)
    if isinstance(value, bytes) and len(value) == 1:
        # MySQL's BIT(1), or the digit.
        return value not in (b"\0", b"0")
    word = str(_plain("" if value is None else value)).strip().lower()
    if word not in _FLAGS:
        raise Unfit(f"{column} is neither true nor false")
    return _FLAGS[word]


def tidy(name: str, *, limit: int) -> str:
    """A name without the signs that nobody can type or that a column cannot hold."""
    return "".join(sign for sign in name if sign.isprintable()).strip()[:limit].strip()


def shown(kind: str, row: Row) -> str:
    """What a row is called in the report."""
    number = row.get("id")
    return f"{kind} {number}" if type(number) is int else f"{kind} {str(number)[:20]!r}"


def is_deleted(row: Row) -> bool:
    """gorm's soft deletion."""
    return row.get("deleted_at") not in (None, "", 0)


def _plain(value: Any) -> Any:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value
