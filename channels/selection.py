"""Which channel gets a task."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from channels.errors import NoChannel, Unsupported
from channels.models import Channel
from common.patterns import Patterns


@dataclass(frozen=True, slots=True)
class Upstream:
    """A channel as adapters and selection see it: plain data, the secret decrypted."""

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

    def serves(self, *, group: str, action: str, mode: str, is_test: bool) -> bool:
        """An empty set means: every one."""
        return (
            self.state == Channel.State.ENABLED
            and self.is_test == is_test
            and (not self.groups or group in self.groups)
            and (not self.actions or action in self.actions)
            and (not self.modes or mode in self.modes)
        )

    @property
    def follows_up(self) -> bool:
        """A drained channel still continues what it has begun."""
        return self.state != Channel.State.DISABLED


class _Known(NamedTuple):
    generation: int
    upstreams: tuple[Upstream, ...]


_known = _Known(generation=-1, upstreams=())
_lock = Lock()


def pick(
    *,
    group: str,
    action: str,
    mode: str,
    generation: int,
    is_test: bool = False,
    obstacle: Callable[[Upstream], str] = lambda upstream: "",
    tried: Collection[int] = (),
) -> Upstream:
    """The channel of the highest priority that serves this, by weighted lot among equals.

    `generation` is the caller's (billing/tokens.py): the list in this process is read anew when
    it is older. With `is_test` only test channels count, else only the others. `obstacle` says why
    a channel cannot do it, if it cannot. Channels in `tried` are left out. Raises NoChannel, and
    Unsupported when there are channels and none of them can.
    """
    serving = [
        upstream
        for upstream in _upstreams(generation)
        if upstream.id not in tried
        and upstream.serves(group=group, action=action, mode=mode, is_test=is_test)
    ]
    if not serving:
        raise NoChannel(action, mode)
    obstacles = {upstream.id: obstacle(upstream) for upstream in serving}
    usable = [upstream for upstream in serving if not obstacles[upstream.id]]
    if not usable:
        raise Unsupported(next(iter(obstacles.values())))
    top = max(upstream.priority for upstream in usable)
    best = [upstream for upstream in usable if upstream.priority == top]
    weights = [upstream.weight for upstream in best]
    return random.choices(best, weights)[0]  # noqa: S311  a lot, not a secret


def load(channel_id: int) -> Upstream:
    """One channel, fresh from the database, whatever its state: for following its tasks."""
    return _plain(Channel.objects.get(pk=channel_id))


def _upstreams(generation: int) -> tuple[Upstream, ...]:
    global _known
    if _known.generation < generation:
        with _lock:
            if _known.generation < generation:
                _known = _Known(generation, _read())
    return _known.upstreams


def _read() -> tuple[Upstream, ...]:
    return tuple(_plain(channel) for channel in Channel.objects.prefetch_related("costs"))


def _plain(channel: Channel) -> Upstream:
    return Upstream(
        id=channel.pk,
        name=channel.name,
        kind=channel.kind,
        base_url=channel.base_url.rstrip("/"),
        secret=channel.secret,
        state=channel.state,
        priority=channel.priority,
        weight=channel.weight,
        groups=frozenset(channel.groups),
        actions=frozenset(channel.actions),
        modes=frozenset(channel.modes),
        pass_filters=channel.pass_filters,
        is_test=channel.is_test,
        costs=Patterns((rule.name, rule.mode, rule.amount) for rule in channel.costs.all()),
    )
