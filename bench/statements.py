"""What the database was asked meanwhile, and what is wrong with it at a million tasks."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection, transaction

# Those that grow with every drawing, for ever.
BIG = frozenset(
    (
        "relay_task", "relay_attempt", "relay_callback", "relay_callbackattempt",
        "relay_resultfile", "relay_idempotentrequest", "billing_entry", "billing_notice",
        "billing_delivery", "billing_redemptioncode", "billing_topup", "channels_channelevent",
        "channels_probe", "common_auditentry",
    )
)  # fmt: skip
# A smaller one of them is best read as a whole.
BIG_ROWS = 20_000
# A list shows more rows than this; each with a statement of its own would be as many statements.
REPEATS_MAX = 15
# A plan that expects to look at more rows of a big table than these does too much for a page.
PLAN_ROWS_MAX = 60_000
# What a part of a table is called, behind the table's name (common/partitions).
_PART = re.compile(r"_(?:[0-9]{8}|before)$")
_NAMES = re.compile(r"\b(?:relay|billing|channels|common)_\w+")
# In a part with fewer rows all ways to read it are the same.
PART_ROWS_MIN = 20
# As Django makes it of .count(); what the relay counts itself is not done yet, by partial indexes.
_CONDITIONS = {"Index Cond", "Recheck Cond", "TID Cond"}
_TAKE_ALL = {"Sort", "Aggregate", "Hash", "Incremental Sort"}
_PARTIAL = """
SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
WHERE indpred IS NOT NULL
"""
_COUNT = re.compile(r'COUNT\(\*\) AS "__count"')
_LIKE = re.compile(r'"?(\w+)"?\."?\w+"?(?:::text)?\)*\s+I?LIKE\b', re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    text: str
    params: Any
    seconds: float

    @property
    def big_tables(self) -> set[str]:
        return set(_NAMES.findall(self.text)) & BIG

    @property
    def is_read(self) -> bool:
        return self.text.lstrip().upper().startswith(("SELECT", "WITH"))


@dataclass
class Recorder:
    statements: list[Statement] = field(default_factory=list)

    @property
    def slowest(self) -> Statement | None:
        return max(self.statements, key=lambda statement: statement.seconds, default=None)

    def faults(self) -> Iterator[str]:
        """What would be slow with many rows, whatever it took now."""
        numbers = Counter(each.text for each in self.statements if each.is_read)
        for text, number in numbers.items():
            if number > REPEATS_MAX:
                yield f"{number} times: {_cut(text)}"
        for each in self.statements:
            if each.big_tables and _COUNT.search(each.text):
                yield f"counts a big table: {_cut(each.text)}"
            if each.big_tables and _is_searched(each):
                yield f"LIKE '%…': {_cut(each.text)}"


@contextmanager
def recorded() -> Iterator[Recorder]:
    """Every statement of every connection of this process: Django's own, and those of
    common/sql.py, which go past Django."""
    recorder = Recorder()
    execute = psycopg.Cursor.execute

    def timed(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(self, query, params, **options)
        finally:
            seconds = time.perf_counter() - began
            recorder.statements.append(Statement(str(query), params, seconds))

    psycopg.Cursor.execute = timed  # type: ignore[method-assign]
    try:
        yield recorder
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def bad_plans(statements: list[Statement]) -> Iterator[str]:
    """Whole reads of tables that are big here, as the planner would do them with these
    parameters."""
    big = _big_here()
    for each, node, _ in _reads(statements):
        if _table(node) not in big:
            continue
        if _is_whole(node) or (node["Plan Rows"] > PLAN_ROWS_MAX and not _is_cut(each)):
            yield f"{_named(node)}, {node['Plan Rows']} rows: {_cut(each.text)}"


def without_index(statements: list[Statement]) -> Iterator[str]:
    """Reads that no index spares to go through all of a table of BIG: as the planner would do them
    if that were the worst of all. So it says the same of a few rows as of millions."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        found = list(_reads(statements))
        cursor.execute("SET LOCAL enable_seqscan = on")
        cursor.execute(_PARTIAL)
        partial = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT relname FROM pg_class WHERE reltuples < %s", [PART_ROWS_MIN])
        empty = {name for (name,) in cursor.fetchall() if _PART.search(name)}
    told = set()
    for each, node, is_cut in found:
        if node["Relation Name"] in empty:
            continue
        is_all_of_index = not is_cut and node.get("Index Name") not in partial
        if _is_whole(node) or (is_all_of_index and not _CONDITIONS & node.keys()):
            told.add(f"{_named(node)} without a condition: {_cut(each.text)}")
    yield from sorted(told)


def _reads(statements: list[Statement]) -> Iterator[tuple[Statement, dict[str, Any], bool]]:
    """The parts of each statement's plan that read a table of BIG, and whether they end as soon as
    there are enough rows."""
    seen = set()
    for each in statements:
        if not each.is_read or not each.big_tables or each.text in seen:
            continue
        seen.add(each.text)
        for node, is_cut in _nodes(_plan(each)):
            if _table(node) in BIG:
                yield each, node, is_cut


def _named(node: dict[str, Any]) -> str:
    return f"{node['Node Type']} of {_table(node)}"


def _table(node: dict[str, Any]) -> str:
    """Which one it reads, or reads a part of; "" for none."""
    return _PART.sub("", node.get("Relation Name", ""))


def _is_whole(node: dict[str, Any]) -> bool:
    return node["Node Type"] in ("Seq Scan", "Parallel Seq Scan")


def _big_here() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [BIG_ROWS]
        )
        return {_PART.sub("", name) for (name,) in cursor.fetchall()} & BIG


def _plan(statement: Statement) -> dict[str, Any]:
    connection.ensure_connection()
    raw: Any = connection.connection
    with psycopg.ClientCursor(raw) as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement.text}", statement.params)
        (found,) = cursor.fetchone() or ("[]",)
    told = json.loads(found) if isinstance(found, str) else found
    plan: dict[str, Any] = told[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any], *, is_cut: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    yield plan, is_cut
    kind = plan["Node Type"]
    for below in plan.get("Plans", ()):
        # What sorts or adds up takes all before it gives anything.
        yield from _nodes(below, is_cut=kind == "Limit" or (is_cut and kind not in _TAKE_ALL))


def _is_cut(statement: Statement) -> bool:
    """It stops after a page: a node of its plan says how much there would be in all."""
    return "LIMIT" in statement.text.upper()


def _is_searched(statement: Statement) -> bool:
    if not BIG & set(_LIKE.findall(statement.text)):
        return False
    values = statement.params.values() if isinstance(statement.params, dict) else statement.params
    texts = [value for value in values or () if isinstance(value, str)]
    return "LIKE '%" in statement.text or any(text.startswith("%") for text in texts)


def _cut(text: str) -> str:
    return " ".join(text.split())[:160]
