"""Into how many parts of a big table each hot statement looks: `python -m bench.plans`.

Does all that the relay does every second (bench/deeds.py) on a database with a past, which is made
(bench/seed.py) where there is none. Each statement is explained as it is about to be executed: as
what it is prepared for, with its parameters. Ends with status 1 when one looks into more than
PARTS_MAX parts of a table, or reads one whole.
"""

import argparse
import json
import logging
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import django
import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import TransactionStatus

# What belongs to one task lies in one part; what belongs to the last days, at the turn of a week,
# in two.
PARTS_MAX = 2
# What may be about any time, and so looks into all parts: lists from the newest on, the roll-up of
# the ledger (once a minute), and whether an upstream has given some task's name before.
ANY_TIME = frozenset(("first pages", "roll up"))
_GIVEN_BEFORE = re.compile(r'MIN\("relay_task"\."id"\)')
# A smaller part is best read as a whole.
WHOLE_ROWS_MAX = 1000
_TABLES = re.compile(
    r"\b(?:relay_task|relay_attempt|relay_callback|relay_callbackattempt|billing_entry)\b"
)
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|s|%)")
_EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"
_PARENTS = """
SELECT child.relname, parent.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
WHERE child.relkind = 'r'
"""


@dataclass(frozen=True)
class Plan:
    """Of one statement. `parts`: those that were looked into, by table; `whole`: those that were
    read whole. `buffers`: pages looked at."""

    deed: str
    text: str
    parts: dict[str, set[str]]
    whole: set[str]
    planning_ms: float
    execution_ms: float
    buffers: int

    @property
    def is_of_any_time(self) -> bool:
        return self.deed in ANY_TIME or bool(_GIVEN_BEFORE.search(self.text))

    @property
    def parts_most(self) -> int:
        return max(map(len, self.parts.values()), default=0)

    def faults(self) -> Iterator[str]:
        for table, parts in self.parts.items():
            if len(parts) > PARTS_MAX and not self.is_of_any_time:
                yield f"{self.deed}: looks into {len(parts)} parts of {table}: {self.short}"
        for part in sorted(self.whole):
            yield f"{self.deed}: reads {part} whole: {self.short}"

    @property
    def short(self) -> str:
        return " ".join(self.text.split())[:160]


@dataclass
class Explainer:
    plans: list[Plan] = field(default_factory=list)
    deed: str = ""

    def faults(self) -> list[str]:
        return [fault for plan in self.plans for fault in plan.faults()]


@contextmanager
def explained() -> Iterator[Explainer]:
    """Every statement on a table in parts, of every connection of this process, is explained before
    it is executed: done, and taken back. As long as there is a `deed`."""
    found = Explainer()
    execute = psycopg.Cursor.execute
    is_ours = False

    def explaining(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        nonlocal is_ours
        if found.deed and not is_ours and _TABLES.search(str(query)):
            is_ours = True
            try:
                plan = _explain(self, str(query), params, deed=found.deed)
            finally:
                is_ours = False
            if plan:
                found.plans.append(plan)
        return execute(self, query, params, **options)

    psycopg.Cursor.execute = explaining  # type: ignore[method-assign]
    try:
        yield found
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def _explain(cursor: Any, text: str, params: Any, *, deed: str) -> Plan | None:
    """As it is done the second time, when the server knows its tables. None for what fails."""
    connection = cursor.connection
    with psycopg.ClientCursor(connection) as own:
        is_prepared = not isinstance(cursor, psycopg.ClientCursor)
        bound = _prepare(own, text, params) if is_prepared else own.mogrify(text, params)
        try:
            for _ in range(2):
                with _undone(connection):
                    own.execute(f"{_EXPLAIN} {bound}")
                    (told,) = own.fetchone() or ("[]",)
            own.execute(_PARENTS)
            parents = dict(own.fetchall())
        except psycopg.Error:
            return None
        finally:
            if is_prepared:
                own.execute("DEALLOCATE bench_plan")
    (root,) = json.loads(told) if isinstance(told, str) else told
    return _read(root, parents, deed=deed, text=text)


@contextmanager
def _undone(connection: Any) -> Iterator[None]:
    """What is done inside never was. Past psycopg, which forgets what it has prepared when it sees
    a rollback."""
    is_within = connection.info.transaction_status == TransactionStatus.INTRANS
    connection.pgconn.exec_(b"SAVEPOINT bench" if is_within else b"BEGIN")
    try:
        yield
    finally:
        connection.pgconn.exec_(b"ROLLBACK TO SAVEPOINT bench" if is_within else b"ROLLBACK")


def _prepare(own: Any, text: str, params: Any) -> str:
    """As common/sql.py has it prepared: whether its values are known when it is planned is for
    `plan_cache_mode` to say. Returns what executes it."""
    if params is None:
        own.execute(f"PREPARE bench_plan AS {text}")
        return "EXECUTE bench_plan"
    names: list[Any] = []

    def number(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        name = match[1] or len(names)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    query = _PLACEHOLDER.sub(number, text)
    values = [params[name] for name in names]
    types = [_type(own, value) for value in values]
    own.execute(f"PREPARE bench_plan ({', '.join(types)}) AS {query}")
    bound: str = own.mogrify(f"EXECUTE bench_plan ({', '.join(['%s'] * len(values))})", values)
    return bound


def _type(own: Any, value: Any) -> str:
    """As which psycopg would send it."""
    oid = value is not None and Transformer(own.connection).get_dumper(value, PyFormat.AUTO).oid
    if not oid:
        return "unknown"
    own.execute("SELECT format_type(%s, NULL)", [oid])
    return str(own.fetchone()[0])


def _read(root: dict[str, Any], parents: dict[str, str], *, deed: str, text: str) -> Plan:
    parts: dict[str, set[str]] = defaultdict(set)
    whole = set()
    for node in _executed(root["Plan"]):
        relation = node.get("Relation Name", "")
        if relation in parents and node["Node Type"] != "ModifyTable":
            parts[parents[relation]].add(relation)
            looked_at = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            if node["Node Type"] == "Seq Scan" and looked_at > WHOLE_ROWS_MAX:
                whole.add(relation)
    return Plan(
        deed=deed,
        text=text,
        parts=dict(parts),
        whole=whole,
        planning_ms=root["Planning Time"],
        execution_ms=root["Execution Time"],
        buffers=root["Plan"]["Shared Hit Blocks"] + root["Plan"]["Shared Read Blocks"],
    )


def _executed(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A node that was never asked for a row has looked into nothing, nor has what is below it."""
    if node["Actual Loops"]:
        yield node
        for below in node.get("Plans", ()):
            yield from _executed(below)


def main() -> int:
    wishes = _arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
    os.environ.setdefault("DATABASE_POOL_SIZE", "0")
    django.setup()
    logging.getLogger("relay.access").disabled = True
    _fill(wishes)
    from bench import deeds

    with explained() as found:
        deeds.do_all(found)
    _print(found.plans)
    faults = found.faults()
    for fault in faults:
        print(f"WRONG {fault}")
    print(f"{len(found.plans)} statements, {len(faults)} wrong")
    return 1 if faults else 0


def _fill(wishes: argparse.Namespace) -> None:
    from django.core.management import call_command

    from billing.models import Tenant

    call_command("migrate", verbosity=0)
    if Tenant.objects.exists():
        return
    sizes = [f"--{name}={getattr(wishes, name)}" for name in ("tasks", "tenants", "days")]
    # By itself: there no statement takes too long.
    subprocess.run([sys.executable, "-m", "bench.seed", *sizes], check=True)


def _print(plans: Iterable[Plan]) -> None:
    print(f"{'parts':>5} {'plan ms':>8} {'run ms':>8} {'pages':>6}  deed, statement")
    for plan in plans:
        print(
            f"{plan.parts_most:5} {plan.planning_ms:8.2f} {plan.execution_ms:8.2f} "
            f"{plan.buffers:6}  {plan.deed}: {plan.short[:100]}"
        )


def _arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=1_000_000, help="of a new database")
    parser.add_argument("--tenants", type=int, default=1000, help="of a new database")
    parser.add_argument("--days", type=int, default=364, help="of a new database")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
