"""Who did what, when, from where and why: one line for every change, in its own transaction, and
kept for good. A secret never stands in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

import orjson

from common import sql
from common.models import AuditEntry

Kind = AuditEntry.ActorKind
Via = Literal["api", "console", ""]
State = Mapping[str, Any] | None

ACTOR_MAX_CHARS = 150
WHY_MAX_CHARS = 200
# Of one value, as JSON: lists of prices may be long.
VALUE_MAX_BYTES = 4000


@dataclass(frozen=True)
class Origin:
    """Where a request comes from. `via` is empty for what no request asks for."""

    via: Via = ""
    address: str = ""
    request_id: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class Author:
    """Who does it. `is_site`: one of the site's own. `acting_as`: whom an operator has signed in
    as."""

    name: str
    kind: Kind
    is_site: bool = True
    user_id: int | None = None
    acting_as: str = ""


SYSTEM = Author("system", Kind.SYSTEM)


def record(
    author: Author,
    deed: str,
    *,
    kind: str,
    pk: object = "",
    tenant_id: int | None = None,
    before: State = None,
    after: State = None,
    why: str = "",
    origin: Origin | None = None,
) -> AuditEntry:
    """Writes one line: `deed` ("patch channel") to the object of this `kind` and `pk`.

    Of `before` and `after`, JSON without secrets, only what differs is kept where both are there.
    To be called in the transaction of the change itself.
    """
    old, new = differences(before, after)
    origin = origin or Origin()
    return AuditEntry.objects.create(
        actor=author.name[:ACTOR_MAX_CHARS],
        actor_kind=author.kind,
        is_site=author.is_site,
        user_id=author.user_id,
        acting_as=author.acting_as[:ACTOR_MAX_CHARS],
        tenant_id=tenant_id,
        deed=deed,
        object_kind=kind,
        object_id=str(pk),
        before=_bounded(old),
        after=_bounded(new),
        why=why[:WHY_MAX_CHARS],
        via=origin.via,
        address=origin.address,
        request_id=origin.request_id,
        user_agent=origin.user_agent,
    )


def by_command(
    deed: str,
    *,
    kind: str,
    actor: str = "command line",
    pk: object = "",
    tenant_id: int | None = None,
    before: State = None,
    after: State = None,
    why: str = "",
) -> AuditEntry:
    """The same of a management command."""
    author = Author(actor, Kind.COMMAND)
    return record(
        author,
        deed,
        kind=kind,
        pk=pk,
        tenant_id=tenant_id,
        before=before,
        after=after,
        why=why,
    )


def alone(kind: str, pk: object) -> None:
    """For the rest of the transaction nobody else changes this object through an operation, so
    `before` is what this change really found."""
    sql.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"audit:{kind}:{pk}"])


def differences(before: State, after: State) -> tuple[State, State]:
    """What the two do not have in common, in objects within them too, and in lists of objects."""
    if before is None or after is None:
        return before, after
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name in {**before, **after}:
        was, now = before.get(name), after.get(name)
        if was == now and (name in before) == (name in after):
            continue
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            was, now = differences(was, now)
        elif _has_rows(was) and _has_rows(now):
            was, now = _only_in(was, now), _only_in(now, was)
        if name in before:
            old[name] = was
        if name in after:
            new[name] = now
    return old, new


def _has_rows(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and all(isinstance(row, Mapping) for row in value)


def _only_in(rows: list[Any], others: list[Any]) -> list[Any]:
    """Of a list of objects those that the other one has not; both of them are long."""
    known = {_data(row) for row in others}
    return [row for row in rows if _data(row) not in known]


def _data(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)


def _bounded(state: State) -> State:
    return state and {name: _cut(value) for name, value in state.items()}


def _cut(value: Any) -> Any:
    """As plain JSON, or the beginning of its text."""
    data = orjson.dumps(value, default=str)
    if len(data) <= VALUE_MAX_BYTES:
        return orjson.loads(data)
    return data[:VALUE_MAX_BYTES].decode(errors="ignore") + "…"
