"""What limits the relay on this machine: the load generator itself, and the database alone."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from bench import load
from bench.figures import Figure
from bench.place import own_database
from bench.run import Bench
from bench.statements import recorded
from bench.submits import CLIENTS, STEADY_RATE
from relay.up import embedded

# As many as the web processes of `make run` have together.
POOLED = 24
NAME = "relay_bench_floor"
# As the relay has it (relay/settings.py).
OPTIONS = "-c jit=off -c random_page_cost=1.1 -c plan_cache_mode=force_generic_plan"
_PARAMETER = re.compile(r"%\((\w+)\)s")
_TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)

# The submit that is asked for, by another tenant each time; and what the statement after it says
# of the task that it has begun. Both take several at once.
_OWN = {
    "asked": """jsonb_set(jsonb_set(:asked::jsonb, '{0,wallet_id}', to_jsonb(:wallet_id::bigint)),
                          '{0,token_id}', to_jsonb(:token_id::bigint))""",
    "ids": "ARRAY[:task_id::bigint]",
    "attempt_ids": "ARRAY[:attempt_id::bigint]",
    "first": ":task_id::bigint",
    "last": ":task_id::bigint",
}


def generator(bench: Bench) -> Iterator[Figure]:
    """The load generator straight to the fake upstream: what a relay that costs nothing gives."""
    keys = [each.key for each in bench.customers]
    url = f"{bench.place.upstream_url}/0/0"
    with bench.place.running_with("upstream"):
        came = load.submits(url, keys, clients=CLIENTS, seconds=bench.seconds / 2)
        steady = load.submits(
            url, keys, clients=CLIENTS, seconds=bench.seconds / 2, rate=STEADY_RATE
        )
    bench.check(came)
    each = came.each_us(came.cpu_seconds)
    note = f"CPU us each of wrk: {each:.0f}; asked for {STEADY_RATE}/s it sends {steady.rate:.1f}/s"
    yield Figure("idle", "load generator straight to the upstream", came.rate, "/s", note=note)


def statements(bench: Bench) -> Iterator[Figure]:
    """The statements of a submit, as the code makes them, by pgbench."""
    script, values = _script(bench)
    connection.close()
    path = bench.place.folder / "submit.sql"
    path.write_text(script)
    server = bench.place.env["DATABASE_URL"]
    rates = {}
    for clients in (POOLED, CLIENTS):
        with own_database(_maintenance(server), NAME, like="relay_bench") as url:
            rates[clients] = _pgbench(path, values, url, clients=clients, seconds=bench.seconds / 2)
    told = ", ".join(f"{rate:,.0f}/s with {clients}" for clients, rate in rates.items())
    what = "the same statements by pgbench, prepared"
    yield Figure("sql", what, max(rates.values()), "/s", note=f"connections: {told}")


def _maintenance(url: str) -> str:
    """Of the same server: nobody may be in a database that is copied."""
    return re.sub(r"/relay_bench(?=\?|$)", "/postgres", url)


def _script(bench: Bench) -> tuple[str, dict[str, str]]:
    """For pgbench: one submit by a tenant of chance; and the values of its variables."""
    (begin, values), (keep, keep_values) = _of_one_submit(bench)
    first = bench.customers[0]
    lines = [
        f"\\set tenant random(0, {len(bench.customers) - 1})",
        f"\\set wallet_id {first.wallet_id} + :tenant",
        f"\\set token_id {first.token_id} + :tenant",
        f"{_with_variables(begin, values)} \\gset",
        f"{_with_variables(keep, keep_values)};",
    ]
    values |= {name: value for name, value in keep_values.items() if name not in _OWN}
    return "\n".join([*lines, ""]), {name: value for name, value in values.items() if value}


def _of_one_submit(bench: Bench) -> list[tuple[str, dict[str, Any]]]:
    """The statements, with their parameters as texts, by which the code begins a submit and keeps
    its answer. They are taken back."""
    from django.db import transaction

    from billing import tokens
    from channels.adapters.base import Accepted
    from relay import actions
    from relay.submits import forwarding, orders
    from relay.submits.orders import Order

    caller = tokens.authenticate(bench.customers[0].key)
    order = Order(action=actions.IMAGINE, mode="fast", prompt="a lighthouse at dawn, oil on canvas")
    price = orders.price(order.action.price_names, order.mode, caller)
    with transaction.atomic():
        forwarding.choose(caller, order, tried=())
        with recorded() as recorder:
            begun = forwarding.begin(caller=caller, order=order, price=price)
            answer = Accepted(upstream_id="1700000000000000", milliseconds=1, raw="{}")
            forwarding.keep_accepted(
                task_id=begun.task_id, attempt_id=begun.attempt_id, accepted=answer
            )
        transaction.set_rollback(True)
    ran = [(each.text, each.params) for each in recorder.statements]
    return [(text, _texts(params)) for text, params in ran]


def _texts(params: Mapping[str, Any]) -> dict[str, str | None]:
    """As PostgreSQL reads them."""
    with closing(connection.cursor()):
        transformer = psycopg.adapt.Transformer(connection.connection)
    found: dict[str, str | None] = {}
    for name, value in params.items():
        if value is None:
            found[name] = None
            continue
        told = transformer.get_dumper(value, psycopg.adapt.PyFormat.TEXT).dump(value)
        found[name] = bytes(told or b"").decode()
    return found


def _with_variables(statement: str, values: Mapping[str, str | None]) -> str:
    """Nothing and the empty text pgbench cannot keep in a variable."""

    def variable(found: re.Match[str]) -> str:
        known = _OWN.get(found[1], f":{found[1]}")
        return {None: "NULL", "": "''"}.get(values[found[1]], known)

    return " ".join(_PARAMETER.sub(variable, statement).split())


def _pgbench(
    path: Path, values: Mapping[str, str], url: str, *, clients: int, seconds: float
) -> float:
    """Transactions a second."""
    program = embedded.postgres_program("pgbench") or "pgbench"
    variables = [part for name, value in values.items() for part in ("-D", f"{name}={value}")]
    done = subprocess.run(
        [
            str(program), "-n", "-M", "prepared", "-c", str(clients), "-j", "1",
            "-T", str(max(1, round(seconds))), "-f", str(path), *variables,
            url.replace("postgres://", "postgresql://", 1),
        ],
        env={**os.environ, "PGOPTIONS": OPTIONS}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = _TPS.search(done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"pgbench: {done.stdout}{done.stderr}")
    return float(found[1])
