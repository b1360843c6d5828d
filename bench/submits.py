"""Submits: as many as there can be, at a steady rate, to a slow upstream, from one wallet."""

from collections.abc import Callable, Iterator

from bench import customers, load, usage
from bench.figures import Figure, at_least
from bench.load import Load
from bench.place import used
from bench.run import Bench

CLIENTS = 64
STEADY_RATE = 200
SLOW_SECONDS = 1
SLOW_DRAWING_SECONDS = 60
# Of a slow upstream shorter ones tell nothing.
SLOW_LEAST_SECONDS = 6.0
# What is wanted (docs/bench.md).
OF_NAIVE, OF_SQL, OF_ALL_TENANTS = 3.5, 1 / 8, 0.5
OF_SLOW, SLOW_P99_MS, SLOW_MEMORY_MB = 0.6, 2500, 450
# A submit is looked at for the first time after this; here only when all is measured, so that
# following, which has figures of its own, takes nothing from it.
LATER = {"POLL_MIN_SECONDS": "3600"}
PRODUCT = ("upstream", "web", "worker", "beat")


def many_tenants(bench: Bench) -> Iterator[Figure]:
    """(a)"""
    sql, naive = bench.value("sql"), bench.value("g")
    with bench.place.running_with(*PRODUCT, **LATER):
        came, note = _submits(bench, [each.key for each in bench.customers])
    yield Figure(
        "a", f"submits, {CLIENTS} clients, {len(bench.customers)} tenants", came.rate, "/s",
        sql, "1/8 of the floor (sql)", at_least(came.rate, OF_SQL, sql), note,
    )  # fmt: skip
    yield Figure(
        "a.naive", "the same, beside the naive view", came.rate, "/s", naive,
        f"{OF_NAIVE} times the floor (g)", at_least(came.rate, OF_NAIVE, naive),
    )  # fmt: skip


def while_followed(bench: Bench) -> Iterator[Figure]:
    """(a.followed): the workers look at every task meanwhile, as in life. After the others: what
    is not finished yet they would go on following."""
    with bench.place.running_with(*PRODUCT):
        came, note = _submits(bench, [each.key for each in bench.customers])
    yield Figure(
        "a.followed", "the same while all are followed", came.rate, "/s", bench.value("a"),
        note=note,
    )  # fmt: skip


def one_wallet(bench: Bench) -> Iterator[Figure]:
    """(f)"""
    many = bench.value("a")
    with bench.place.running_with(*PRODUCT, **LATER):
        came, note = _submits(bench, [bench.customers[0].key])
    yield Figure(
        "f", f"submits, {CLIENTS} clients of one wallet", came.rate, "/s", many,
        "half of the floor (a)", at_least(came.rate, OF_ALL_TENANTS, many), note,
    )  # fmt: skip


def added_latency(bench: Bench) -> Iterator[Figure]:
    """(b)"""
    keys = [each.key for each in bench.customers]
    with bench.place.running_with(*PRODUCT, **LATER):
        direct = _steady(bench, f"{bench.place.upstream_url}/0/0", keys)
        through = _steady(bench, bench.place.url, keys)
    for name in ("p50", "p95", "p99"):
        floor = getattr(direct, name)
        yield Figure(
            f"b.{name}", f"added latency {name} at {STEADY_RATE}/s", getattr(through, name) - floor,
            "ms", floor, note=_kept(direct, through) if name == "p50" else "",
        )  # fmt: skip


def slow_upstream(bench: Bench) -> Iterator[Figure]:
    """(c)"""
    customers.open_channel(
        "slow",
        bench.place.upstream_port,
        answer_seconds=SLOW_SECONDS,
        drawing_seconds=SLOW_DRAWING_SECONDS,
    )
    opened = customers.open_tenants("slow", len(bench.customers))
    keys, clients = [each.key for each in opened], bench.slow_clients
    seconds = max(bench.seconds, SLOW_LEAST_SECONDS)
    direct_url = f"{bench.place.upstream_url}/{SLOW_SECONDS}/0"
    with bench.place.running_with(*PRODUCT, **LATER):
        direct = load.submits(direct_url, keys, clients=clients, seconds=seconds / 2)
        with usage.highest(lambda: bench.place.pss_bytes("web")) as memory:
            came, note = _submits(bench, keys, clients=clients, seconds=seconds)
    possible = clients / SLOW_SECONDS
    what = f"submits, {clients} clients, upstream takes {SLOW_SECONDS} s"
    megabytes = memory.bytes / 1e6
    yield Figure(
        "c", what, came.rate, "/s", direct.rate, f"{OF_SLOW} of {possible:,.0f}",
        came.rate >= possible * OF_SLOW, note,
    )  # fmt: skip
    yield Figure(
        "c.p99", "their latency p99", came.p99, "ms", direct.p99,
        f"< {SLOW_P99_MS} ms", bool(came.answers) and came.p99 < SLOW_P99_MS,
    )  # fmt: skip
    yield Figure("c.errors", "their errors", came.errors, "", None, "0", came.errors == 0)
    yield Figure(
        "c.memory", "memory of all web processes", megabytes, "MB", None,
        f"< {SLOW_MEMORY_MB} MB", megabytes < SLOW_MEMORY_MB,
    )  # fmt: skip


def measured(bench: Bench, make: Callable[[], Load]) -> tuple[Load, str]:
    """What came of a load; and its latency and the CPU of each part, for the table."""
    before, busy = bench.place.cpu_seconds(), usage.busy_seconds()
    came = make()
    cpu = used(before, bench.place.cpu_seconds()) | {"wrk": came.cpu_seconds}
    others = max(usage.busy_seconds() - busy - sum(cpu.values()), 0)
    bench.check(came)
    shares = ", ".join(f"{name} {came.each_us(seconds):.0f}" for name, seconds in cpu.items())
    return came, (
        f"p50 {came.p50:.0f} ms, p99 {came.p99:.0f} ms; CPU us each: {shares}; "
        f"others had {others / came.seconds / len(usage.cores()):.0%} of the cores"
    )


def _submits(
    bench: Bench, keys: list[str], *, clients: int = CLIENTS, seconds: float = 0
) -> tuple[Load, str]:
    """After a warm-up, and after what its clients have left behind when they hung up."""
    url, seconds = bench.place.url, seconds or bench.seconds
    load.submits(url, keys, clients=clients, seconds=bench.warm_up)
    bench.place.settle("web", seconds=SLOW_SECONDS * 1.5)
    return measured(bench, lambda: load.submits(url, keys, clients=clients, seconds=seconds))


def _steady(bench: Bench, url: str, keys: list[str]) -> Load:
    load.submits(url, keys, clients=CLIENTS, seconds=bench.warm_up, rate=STEADY_RATE)
    came = load.submits(url, keys, clients=CLIENTS, seconds=bench.seconds, rate=STEADY_RATE)
    bench.check(came)
    return came


def _kept(direct: Load, through: Load) -> str:
    return f"the rate was {direct.rate:.1f}/s at the upstream, {through.rate:.1f}/s at the relay"
