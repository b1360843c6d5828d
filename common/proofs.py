"""Proofs: statements that select, with ids, what must not exist."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple

from django.db import OperationalError, transaction

from common import sql
from common.partitions import guard

# What the statements of a proof may use. A million tasks are joined in memory, in several
# processes of the server; the compiler would only cost time.
_SETTINGS = ("SET LOCAL work_mem = '128MB'", "SET LOCAL jit = off")


class Promise(NamedTuple):
    """What holds for the rows of a proof. `broken` is the SQL condition of a row that breaks it,
    `finding` the arguments of format() that tell what is wrong, with ids."""

    text: str
    broken: str
    finding: str


@dataclass(frozen=True)
class Proof:
    """Promises over the same rows, `source`, so that these are read once: what stands in FROM."""

    source: str
    promises: tuple[Promise, ...]

    def statement(self, limit: int) -> str:
        """Selects (place in `promises`, how many findings it has, one of the first `limit`)."""
        told = ",\n".join(
            f"({place}, {promise.broken}, format({promise.finding}))"
            for place, promise in enumerate(self.promises)
        )
        any_broken = " OR ".join(f"({promise.broken})" for promise in self.promises)
        return f"""
            SELECT place, number, finding FROM (
                SELECT verdict.place, verdict.finding,
                       count(*) OVER (PARTITION BY verdict.place) AS number,
                       row_number() OVER (
                           PARTITION BY verdict.place ORDER BY verdict.finding
                       ) AS nth
                FROM {self.source}
                CROSS JOIN LATERAL (VALUES {told}) verdict (place, is_broken, finding)
                WHERE ({any_broken}) AND verdict.is_broken
            ) finding WHERE nth <= {limit:d} ORDER BY place, nth
        """  # noqa: S608  the parts are constants


class Verdict(NamedTuple):
    """How a promise stands. `number` findings contradict it, some of which are told; `seconds`
    is what its proof took, with all promises over the same rows."""

    promise: str
    number: int
    findings: list[str]
    seconds: float


@contextmanager
def snapshot(*, keeping: str = "") -> Iterator[None]:
    """A read-only transaction that sees one moment, so that what happens meanwhile contradicts
    nothing; `keeping`: what common.partitions.guard is to lock. Not inside another one."""
    with transaction.atomic():
        sql.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for setting in _SETTINGS:
            sql.execute(setting)
        with sql.patient():
            if keeping:
                guard.keep(keeping)
            yield


def look(proof: Proof, *, limit: int) -> list[Verdict]:
    """The verdicts of one proof, in the transaction that is open."""
    began = monotonic()
    rows = _rows(proof.statement(limit))
    seconds = monotonic() - began
    verdicts = []
    for place, promise in enumerate(proof.promises):
        mine = [row for row in rows if row.place == place]
        number = mine[0].number if mine else 0
        verdicts.append(Verdict(promise.text, number, [row.finding for row in mine], seconds))
    return verdicts


def _rows(statement: str) -> list[Any]:
    """A server in a container may have little memory to share between its processes; what fails in
    several is tried in one."""
    try:
        with transaction.atomic():
            return sql.fetch_all(statement)
    except OperationalError:
        sql.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        return sql.fetch_all(statement)
