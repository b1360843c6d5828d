"""What a naive view of the same job does (bench/naive)."""

import subprocess
import sys
from collections.abc import Iterator

import psycopg

from bench import load
from bench.figures import Figure
from bench.load import Load
from bench.place import ROOT, free_ports, own_database
from bench.run import Bench
from bench.submits import CLIENTS, measured

NAME = "relay_bench_naive"
# Which of the two is quicker depends on the machine; the quicker one counts. As many threads as
# connections to the database (bench/naive/settings.py).
SERVERS = {
    "gevent": ["--worker-class=gevent"],
    "gthread": ["--worker-class=gthread", "--threads=16"],
}


def submits(bench: Bench) -> Iterator[Figure]:
    """(g)"""
    place, keys = bench.place, [each.key for each in bench.customers]
    with own_database(place.env["DATABASE_URL"], NAME) as database:
        env = {
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": "bench.naive.settings",
            "UPSTREAM_URL": f"{place.upstream_url}/0/60",
        }
        place.start("upstream")
        _fill(place.env | env | {"DATABASE_POOL_SIZE": "0"}, keys)
        found = {server: _ask(bench, server, keys, env) for server in SERVERS}
        place.stop("upstream")
        wrong = _wrong(database, sum(came.answers for came, _ in found.values()))
    bench.wrong += [f"g: {wrong}"] if wrong else []
    best = max(found, key=lambda server: found[server][0].rate)
    rates = ", ".join(f"{server} {came.rate:,.0f}/s" for server, (came, _) in found.items())
    yield Figure(
        "g", f"submits of a naive view, {CLIENTS} clients", found[best][0].rate, "/s",
        bench.value("idle"), note=f"{rates}; {best}: {found[best][1]}",
    )  # fmt: skip


def _ask(bench: Bench, server: str, keys: list[str], env: dict[str, str]) -> tuple[Load, str]:
    place = bench.place
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "gunicorn", "bench.naive.wsgi", *SERVERS[server],
        f"--workers={place.env['WEB_WORKERS']}", f"--bind=127.0.0.1:{port}",
        "--worker-connections=2000", "--timeout=120", "--keep-alive=75", "--no-control-socket",
    ]  # fmt: skip
    place.running["naive"] = place.spawn("naive", command, **env)
    place.wait_for("naive", url)
    load.submits(url, keys, clients=CLIENTS, seconds=bench.warm_up)
    found = measured(bench, lambda: load.submits(url, keys, clients=CLIENTS, seconds=bench.seconds))
    place.stop("naive")
    return found


def _fill(env: dict[str, str], keys: list[str]) -> None:
    command = [sys.executable, "-m", "bench.naive.fill"]
    subprocess.run(command, cwd=ROOT, env=env, input="\n".join(keys), text=True, check=True)


def _wrong(database: str, answers: int) -> str:
    """In words; "" when every answer has its task, hold and attempt."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            """SELECT (SELECT count(*) FROM naive_attempt WHERE outcome = 'accepted'),
                      (SELECT count(*) FROM naive_entry), (SELECT sum(amount) FROM naive_entry),
                      (SELECT sum(held) FROM naive_wallet)"""
        ).fetchone()
    accepted, entries, booked, held = row or (0, 0, 0, 0)
    is_right = accepted >= answers and booked == held and entries >= accepted
    return "" if is_right else f"{answers} answers, {accepted} tasks, {booked} booked, {held} held"
