"""Which channel gets a task, and which of its credentials."""

import math
import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import NamedTuple

from channels.errors import NoChannel, NoRoom, Unsupported
from channels.models import Channel
from channels.states import SERVES, Service
from common import redaction
from common.patterns import Patterns

PRIORITY, COST, STABILITY = "priority", "cost", "stability"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A channel as adapters and selection see it: plain data, the secret decrypted.

    Times are seconds since 1970, 0 for none.
    """

    id: int
    name: str
    kind: str
    base_url: str
    secret: str = field(repr=False)
    state: str
    priority: int
    weight: int
    groups: frozenset[str]
    actions: frozenset[str]
    modes: frozenset[str]
    pass_filters: bool = False
    is_test: bool = False
    # What a drawing takes, micro-units by price name and mode.
    costs: Patterns[int] = field(default_factory=Patterns, repr=False)
    concurrency: int | None = None
    rpm: int | None = None
    queue_depth: int | None = None
    breaker: str = Channel.Breaker.CLOSED
    breaker_until: float = 0
    rests_until: float = 0
    credential_id: int | None = None
    # Its name, for people.
    credential: str = ""

    def serves(self, *, group: str, action: str, mode: str, is_test: bool) -> bool:
        """An empty set means: every one."""
        return (
            Service.NEW_WORK in SERVES[self.state]
            and self.is_test == is_test
            and (not self.groups or group in self.groups)
            and (not self.actions or action in self.actions)
            and (not self.modes or mode in self.modes)
        )

    @property
    def follows_up(self) -> bool:
        """A drained channel still continues what it has begun."""
        return Service.FOLLOW_UPS in SERVES[self.state]

    @property
    def has_caps(self) -> bool:
        return (self.concurrency, self.rpm, self.queue_depth) != (None, None, None)

    def is_open(self, now: float) -> bool:
        """Whether its breaker lets nothing through now."""
        return self.breaker != Channel.Breaker.CLOSED and now < self.breaker_until

    def rests(self, now: float) -> bool:
        return now < self.rests_until


class Wanted(NamedTuple):
    """What is to be drawn, for whom. `names`: the price names, for policies that look at cost."""

    group: str
    action: str
    mode: str
    is_test: bool = False
    names: tuple[str, ...] = ()
    policy: str = PRIORITY


class _Secret(NamedTuple):
    credential_id: int
    name: str
    secret: str
    is_active: bool
    rests_until: float


class _Listed(NamedTuple):
    upstream: Upstream
    secrets: tuple[_Secret, ...]


class _Known(NamedTuple):
    generation: int
    listed: tuple[_Listed, ...]


_known = _Known(generation=-1, listed=())
_lock = Lock()


def pick(
    wanted: Wanted,
    *,
    generation: int,
    obstacle: Callable[[Upstream], str] = lambda upstream: "",
    has_room: Callable[[Upstream], bool] = lambda upstream: True,
    faults: Callable[[], Mapping[int, float]] = dict,
    tried: Collection[int] = (),
) -> Upstream:
    """The channel that comes first, by weighted lot among equals, with one of its credentials.

    `generation` is the caller's (billing/tokens.py): the list in this process is read anew when
    it is older. `obstacle` says why a channel cannot do it, if it cannot; `has_room`, whether it
    is under its caps; `faults`, which share of its attempts went wrong lately (for stability).
    Channels in `tried` are left out. Raises NoChannel; Unsupported when there are channels and
    none of them can; NoRoom when those that could are full.
    """
    serving = [
        listed
        for listed in _list(generation)
        if listed.upstream.id not in tried
        and listed.upstream.serves(
            group=wanted.group, action=wanted.action, mode=wanted.mode, is_test=wanted.is_test
        )
    ]
    able = _able([listed.upstream for listed in serving], obstacle)
    usable = [listed for listed in serving if listed.upstream.id in able]
    return _first(usable, wanted, has_room, faults)


def _able(upstreams: list[Upstream], obstacle: Callable[[Upstream], str]) -> set[int]:
    obstacles = {upstream.id: obstacle(upstream) for upstream in upstreams}
    able = {channel_id for channel_id, text in obstacles.items() if not text}
    if obstacles and not able:
        raise Unsupported(next(iter(obstacles.values())))
    return able


def _first(
    candidates: list[_Listed],
    wanted: Wanted,
    has_room: Callable[[Upstream], bool],
    faults: Callable[[], Mapping[int, float]],
) -> Upstream:
    """Goes down the list until one has a credential, is awake, and has room. Of one whose breaker
    is to be tried again the caller has to claim the one task that it lets through."""
    now, full, later = time.time(), [], []
    known_faults = faults() if wanted.policy == STABILITY and len(candidates) > 1 else {}
    while candidates:
        best = _best(candidates, wanted, known_faults)
        candidates = [other for other in candidates if other is not best]
        if best.upstream.is_open(now):
            later.append(best.upstream.breaker_until)
        elif (upstream := _with_credential(best, now)) is None:
            continue
        elif upstream.rests(now):
            full.append(upstream.rests_until)
        elif has_room(upstream):
            return upstream
        else:
            full.append(0)
    raise _nobody(wanted, full, later, now)


def _nobody(
    wanted: Wanted, full: list[float], later: list[float], now: float
) -> NoRoom | NoChannel:
    """`full` and `later`: when there may be room again, 0 where nobody knows."""
    if full:
        return NoRoom(retry_after=seconds_until(min(full), now))
    soonest = seconds_until(min(later, default=0), now)
    return NoChannel(wanted.action, wanted.mode, retry_after=soonest)


def seconds_until(moment: float, now: float) -> int | None:
    """What a tenant is told to wait, None where nobody knows."""
    return max(math.ceil(moment - now), 1) if moment else None


def _best(candidates: list[_Listed], wanted: Wanted, faults: Mapping[int, float]) -> _Listed:
    ranks = {listed.upstream.id: _rank(listed.upstream, wanted, faults) for listed in candidates}
    top = min(ranks.values())
    equals = [listed for listed in candidates if ranks[listed.upstream.id] == top]
    weights = [listed.upstream.weight for listed in equals]
    return random.choices(equals, weights)[0]  # noqa: S311  a lot, not a secret


def _rank(upstream: Upstream, wanted: Wanted, faults: Mapping[int, float]) -> tuple[float, float]:
    """The smallest comes first. A cost that is not known counts as the highest."""
    if wanted.policy == COST:
        cost = upstream.costs.find(wanted.names, wanted.mode)
        return (float("inf") if cost is None else cost, -upstream.priority)
    if wanted.policy == STABILITY:
        # By tenths: a single fault more or less is no reason to overload one channel.
        return (round(faults.get(upstream.id, 0), 1), -upstream.priority)
    return (-upstream.priority, 0)


def _with_credential(listed: _Listed, now: float) -> Upstream | None:
    """With one of its active secrets, of those that rest the one that rests shortest; None when
    there are secrets and none may be used."""
    active = [one for one in listed.secrets if one.is_active]
    if not active:
        return None if listed.secrets else listed.upstream
    awake = [one for one in active if one.rests_until <= now]
    if not awake:
        return _using(listed.upstream, min(active, key=lambda one: one.rests_until))
    return _using(listed.upstream, random.choice(awake))  # noqa: S311  spreads the work


def _using(upstream: Upstream, one: _Secret) -> Upstream:
    return replace(
        upstream,
        secret=one.secret,
        credential_id=one.credential_id,
        credential=one.name,
        rests_until=max(upstream.rests_until, one.rests_until),
    )


def load(channel_id: int, credential_id: int | None = None) -> Upstream:
    """One channel, fresh from the database, whatever its state: for following its tasks, through
    the credential that made them, or any if there is none."""
    channel = Channel.objects.prefetch_related("costs", "credentials").get(pk=channel_id)
    secrets = _secrets(channel)
    own = [one for one in secrets if one.credential_id == credential_id]
    best = sorted(secrets, key=lambda one: (not one.is_active, one.credential_id))
    upstream = _plain(channel)
    return _using(upstream, (own or best)[0]) if secrets else upstream


def _list(generation: int) -> tuple[_Listed, ...]:
    global _known
    if _known.generation < generation:
        with _lock:
            if _known.generation < generation:
                _known = _Known(generation, _read())
    return _known.listed


def _read() -> tuple[_Listed, ...]:
    channels = Channel.objects.prefetch_related("costs", "credentials")
    return tuple(_Listed(_plain(channel), _secrets(channel)) for channel in channels)


def _secrets(channel: Channel) -> tuple[_Secret, ...]:
    rows = channel.credentials.all()
    # Whatever is logged of a call, they are not.
    redaction.hide(*(row.secret for row in rows))
    return tuple(
        _Secret(row.pk, row.name, row.secret, row.is_active, _seconds(row.rests_until))
        for row in rows
    )


def _plain(channel: Channel) -> Upstream:
    return Upstream(
        id=channel.pk,
        name=channel.name,
        kind=channel.kind,
        base_url=channel.base_url.rstrip("/"),
        secret="",
        state=channel.state,
        priority=channel.priority,
        weight=channel.weight,
        groups=frozenset(channel.groups),
        actions=frozenset(channel.actions),
        modes=frozenset(channel.modes),
        pass_filters=channel.pass_filters,
        is_test=channel.is_test,
        costs=Patterns((rule.name, rule.mode, rule.amount) for rule in channel.costs.all()),
        concurrency=channel.concurrency,
        rpm=channel.rpm,
        queue_depth=channel.queue_depth,
        breaker=channel.breaker,
        breaker_until=_seconds(channel.breaker_until),
        rests_until=_seconds(channel.rests_until),
    )


def _seconds(moment: datetime | None) -> float:
    return 0 if moment is None else moment.timestamp()
