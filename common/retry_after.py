"""How long an HTTP peer asks us to wait."""

import time
from email.utils import parsedate_to_datetime


def seconds(value: str | None) -> float | None:
    """The seconds of a `Retry-After` header, which is a number or a date (RFC 9110, 10.2.3); None
    when there is none, or none that can be read."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0)
    except (ValueError, TypeError, OverflowError):
        return None
