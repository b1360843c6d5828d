"""What stands in the logs, and how: one line a record, as JSON or for people, without secrets.

Whoever works on something says what it is (`begin`, `add`), and every record from then on carries
it: request, tenant, task, channel, job. Loaded by gunicorn's master too, before gevent has patched
anything: nothing but the standard library here (and orjson, which knows no sockets).
"""

import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from typing import Any

import orjson

from common import redaction

# Nobody writes them: threads, and who has called.
logging.logThreads = logging.logMultiprocessing = False
logging._srcfile = None
JSON, LINE = "json", "line"
STYLES = (LINE, JSON)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MESSAGE_MAX_CHARS = 8000
TRACEBACK_MAX_CHARS = 16_000
# They tell of each job and of each connection.
_TALKATIVE = ("amqp", "celery", "kombu")
# Whoever writes a line break into a message, or signs that steer a terminal, writes no line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Fields = dict[str, Any]
_fields: ContextVar[Fields] = ContextVar("log_fields")


def begin(**fields: Any) -> None:
    """Something new is worked on, a request or a job: nothing of what was before holds."""
    _fields.set(fields)


def add(**fields: Any) -> None:
    """More is known about it."""
    _fields.set(_fields.get({}) | fields)


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """The same for a part of the work."""
    before = push(**fields)
    try:
        yield
    finally:
        pop(before)


def push(**fields: Any) -> Token[Fields]:
    """Begins such a part; it ends with pop() of what this returns."""
    return _fields.set(_fields.get({}) | fields)


def pop(before: Token[Fields]) -> None:
    _fields.reset(before)


def known() -> Fields:
    """What has been said about the present work. Not to be changed."""
    return _fields.get({})


def configuration(*, level: str, style: str, access: bool = True) -> dict[str, Any]:
    """For logging.config.dictConfig. Raises ValueError for a level or a style that is none."""
    if level not in LEVELS:
        raise ValueError(f"LOG_LEVEL must be one of {', '.join(LEVELS)}.")
    if style not in STYLES:
        raise ValueError(f"LOG_FORMAT must be one of {', '.join(STYLES)}.")
    quiet = level if level == "DEBUG" else max(level, "WARNING", key=LEVELS.index)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {JSON: {"()": JsonFormatter}, LINE: {"()": LineFormatter}},
        "handlers": {"stderr": {"()": Handler, "formatter": style}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Refused requests are answers, not incidents; crashes are logged by
            # relay/api/errors.py.
            "django.request": {"level": "CRITICAL"},
            # It makes a handler of its own before it reads this.
            "gunicorn.error": {"handlers": [], "propagate": True},
            "relay.access": {"level": "INFO" if access else "CRITICAL"},
            **{name: {"level": quiet} for name in _TALKATIVE},
        },
    }


class Handler(logging.StreamHandler[Any]):
    """Writes to stderr."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        """Nobody reads us any more. (The library would print the record as it is, with all that
        must not be told.)"""


class JsonFormatter(logging.Formatter):
    """One JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **fields_of(record),
            "process": record.process,
        }
        if text := _traceback(record):
            told["exception"] = text
        return _dumps(told)


class LineFormatter(logging.Formatter):
    """A line for people; a traceback follows in lines of its own, shifted to the right."""

    def format(self, record: logging.LogRecord) -> str:
        known = " ".join(f"{name}={value}" for name, value in fields_of(record).items())
        head = f"{_time(record)} {record.levelname} {record.name} {_message(record)}"
        lines = [f"{head} {known}".rstrip()]
        lines += [f"    {line}" for line in _traceback(record).splitlines()]
        return "\n".join(printable(line) for line in lines)


def printable(text: str) -> str:
    """With \\x1b and the like instead of what steers a terminal or ends a line."""
    return _CONTROL.sub(_escaped, text)


def fields_of(record: logging.LogRecord) -> Fields:
    """What is known about the work, and what the record itself brings as `extra={"fields": …}`."""
    own: Fields = getattr(record, "fields", {})
    return known() | own


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    # Wrong arguments, or one that cannot be written: what is left is better than nothing.
    except Exception:  # noqa: BLE001
        text = f"{record.msg!s} (its arguments do not fit)"
    return redaction.redact(text)[:MESSAGE_MAX_CHARS]


def _traceback(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    text = redaction.redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
    if len(text) <= TRACEBACK_MAX_CHARS:
        return text
    half = TRACEBACK_MAX_CHARS // 2
    return f"{text[:half]}\n…\n{text[-half:]}"


def _dumps(told: Fields) -> str:
    try:
        return orjson.dumps(told, default=str).decode()
    except TypeError:
        # Half an emoji, which no UTF-8 can say.
        plain = {name: printable(str(value)) for name, value in told.items()}
        return orjson.dumps(plain).decode()


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]
