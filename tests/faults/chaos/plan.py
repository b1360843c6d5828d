"""What is to happen, made from a seed: the wishes of the clients, and the troubles.

The same seed and size make the same plan. When exactly what meets what is up to the machine.
"""

import os
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Self

MODES = ("fast", "relax", "turbo")
SEED_BELOW = 10**6
# How the tenants' keys differ: accounts.py makes them; so often each is used.
KEYS = {"main": 40, "cost": 15, "stability": 15, "budget": 10, "queue": 10, "test": 10}
# What the sandbox is asked to do wrong, so many times in a thousand.
WORDS = {
    "zzfail": 50, "zzslow": 10, "zzcut": 20, "zzhang": 20, "zzlost": 15, "zzdead": 10,
    "zz502": 10, "zzfull": 10, "zzban": 10, "zztwice": 20, "zzjumble": 20, "zzmute": 20,
    "zznoend": 20, "zzqueue": 20, "zznextfail": 20, "zznexthang": 10, "zznextcut": 10,
}  # fmt: skip
# The channels that misbehave come first; what is wrong with each.
ROLES = ("hangs", "html500", "forgets", "lies")
WEB, WORKERS, BEAT = "web", ("worker", "worker-2"), "beat"


@dataclass(frozen=True, slots=True)
class Size:
    seed: int
    tasks: int
    seconds: float
    tenants: int
    channels: int
    # Targets of troubles, to look at some of them alone; empty: all.
    only: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls) -> Self:
        def number(name: str, default: int) -> int:
            return int(os.environ.get(f"CHAOS_{name}") or default)

        return cls(
            seed=number("SEED", secrets.randbelow(SEED_BELOW)),
            tasks=number("TASKS", 200),
            seconds=number("SECONDS", 25),
            tenants=number("TENANTS", 5),
            channels=max(number("CHANNELS", 5), len(ROLES) + 1),
            only=tuple(filter(None, os.environ.get("CHAOS_ONLY", "").split(","))),
        )

    @property
    def command(self) -> str:
        return (
            f"make chaos CHAOS_SEED={self.seed} CHAOS_TASKS={self.tasks} "
            f"CHAOS_SECONDS={self.seconds:g} CHAOS_TENANTS={self.tenants} "
            f"CHAOS_CHANNELS={self.channels}"
            + (f" CHAOS_ONLY='{','.join(self.only)}'" if self.only else "")
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What one client wants drawn, how it behaves, and what it does with the picture.

    `hangs_up`: after so many seconds, the first time, without waiting for the answer. `change`
    continues the picture ("UPSCALE 2"), `zoom` what came of that: in a modal which is then
    confirmed, cancelled or left alone.
    """

    number: int
    at: float
    tenant: int
    key: str
    route: str
    mode: str
    words: str
    has_hook: bool
    is_repeatable: bool
    hangs_up: float | None
    comes_back: bool
    change: str
    zoom: str

    @property
    def label(self) -> str:
        return f"wish-{self.number}"


class Trouble(NamedTuple):
    """At a time (seconds from the beginning), for so long."""

    at: float
    target: str
    how: str
    seconds: float


class Money(NamedTuple):
    """An operator's work: a top-up (micro-units), or a refund of some task of the tenant's."""

    at: float
    tenant: int
    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class Plan:
    size: Size
    wishes: list[Wish]
    troubles: list[Trouble]
    money: list[Money]


def make(size: Size) -> Plan:
    def source(subject: str) -> random.Random:
        return random.Random(f"{size.seed} {subject}")

    return Plan(
        size,
        _wishes(size, source("wishes")),
        _troubles(size, source("troubles")),
        _money(size, source("money")),
    )


def _wishes(size: Size, chance: random.Random) -> list[Wish]:
    times = sorted(chance.uniform(0, size.seconds) for _ in range(size.tasks))
    return [_wish(size, chance, number, at) for number, at in enumerate(times)]


def _wish(size: Size, chance: random.Random, number: int, at: float) -> Wish:
    hangs_up = round(chance.uniform(0.01, 0.5), 2) if chance.random() < 0.05 else None
    change = ""
    if chance.random() < 0.2:
        change = chance.choice(["UPSCALE", "UPSCALE", "VARIATION", "REROLL"])
        change += f" {chance.randint(1, 4)}"
    is_zoomed = change.startswith("UPSCALE") and chance.random() < 0.6
    return Wish(
        number=number,
        at=at,
        tenant=chance.randrange(size.tenants),
        key=chance.choices(list(KEYS), list(KEYS.values()))[0],
        route=chance.choices(["imagine", "describe", "shorten"], [90, 6, 4])[0],
        mode=chance.choice(MODES),
        words=" ".join(word for word, share in WORDS.items() if chance.randrange(1000) < share),
        has_hook=chance.random() < 0.9,
        is_repeatable=hangs_up is not None or chance.random() < 0.9,
        hangs_up=hangs_up,
        comes_back=chance.random() < 0.6,
        change=change,
        zoom=chance.choice(["confirm", "confirm", "cancel", "leave"]) if is_zoomed else "",
    )


def _troubles(size: Size, chance: random.Random) -> list[Trouble]:
    """Each target has one trouble at a time; of different ones any may meet."""
    long = size.seconds / 3
    # A third of the full time, all of the shortest.
    times = max(1, round(size.seconds / 60))

    def brief(longest: float) -> float:
        return round(chance.uniform(0.5, min(longest, size.seconds / 8)), 1)

    def repeated(how: str, number: int, longest: float) -> list[tuple[str, float]]:
        return [(how, brief(longest)) for _ in range(number)]

    wanted: dict[str, list[tuple[str, float]]] = {
        "receiver": [("down", round(long, 1))],
        "channel hangs": [("hangs", round(chance.uniform(0.15, 0.3) * size.seconds, 1))],
        "channel html500": [("answers 500 and HTML", round(long, 1))],
        "channel forgets": [("forgets its tasks", 0.0)] * (times + 1),
        "channel lies": [("lies", round(2 * long, 1))],
        WEB: [*repeated("kill -9", times, 3), *repeated("kill -9 of one process", times, 0.5)],
        WORKERS[0]: repeated("kill -9", times, 5),
        WORKERS[1]: repeated("kill -9", times, 5),
        BEAT: repeated("kill -9", times, 6),
        "redis": [*repeated("kill -9", times, 8), *repeated("stop", 1, 6), *repeated("hang", 1, 6)],
        "postgres": [*repeated("kill -9", times, 5), *repeated("stop", 1, 5)],
    }
    return sorted(
        trouble
        for target, troubles in wanted.items()
        for trouble in _placed(size, chance, target, troubles)
        if not size.only or target in size.only
    )


def _placed(
    size: Size, chance: random.Random, target: str, troubles: list[tuple[str, float]]
) -> list[Trouble]:
    """In an order of their own, each somewhere in its part of the time."""
    begin, end = 0.1 * size.seconds, 0.95 * size.seconds
    chance.shuffle(troubles)
    spare = max(end - begin - sum(seconds for _, seconds in troubles), 0)
    cuts = sorted(chance.uniform(0, spare) for _ in troubles)
    placed, gone = [], 0.0
    for cut, (how, seconds) in zip(cuts, troubles, strict=True):
        placed.append(Trouble(round(begin + cut + gone, 1), target, how, seconds))
        gone += seconds
    return placed


def _money(size: Size, chance: random.Random) -> list[Money]:
    def several(kind: str, number: int, amount: Callable[[], int]) -> list[Money]:
        return [
            Money(
                at=round(chance.uniform(0.2, 1) * size.seconds, 1),
                tenant=chance.randrange(size.tenants),
                kind=kind,
                amount=amount(),
            )
            for _ in range(number)
        ]

    top_ups = several("topup", size.tenants * 2, lambda: chance.randint(1, 30) * 100_000)
    return sorted([*top_ups, *several("refund", size.tasks // 50, lambda: 0)])
