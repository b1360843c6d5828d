"""What a tenant asks for, validated: built once, and both priced and forwarded from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from billing import pricing
from billing.errors import ActionNotAllowed
from billing.pricing import Quote
from billing.tokens import Caller
from channels.adapters.base import Image, Parent, Submission
from relay import actions, signing
from relay.actions import Action

if TYPE_CHECKING:
    from relay.models import Task


class Price(NamedTuple):
    """What is held, and what counts if the upstream ends in another mode (micro-units by mode)."""

    quote: Quote
    by_mode: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    action: Action
    mode: str
    bot_type: str = "MID_JOURNEY"
    prompt: str = ""
    images: tuple[Image, ...] = ()
    mask: str = ""
    dimensions: str = ""
    motion: str = ""
    index: int = 0
    custom_id: str = ""
    # The task that a follow-up continues; it also decides the channel.
    parent: Task | None = None
    filters: dict[str, Any] = field(default_factory=dict)
    state: str = ""
    notify_hook: str = ""
    # The IdempotentRequest that it came with.
    request_id: int | None = None

    @property
    def description(self) -> str:
        """What midjourney-proxy writes there, until the upstream says its own."""
        if self.parent is None:
            return f"/{self.action.name.lower()} {self.prompt}".rstrip()
        return f"/up {self.parent.pk} {self.action.name[0]}{self.index or ''}"

    @property
    def shown_prompt(self) -> str:
        """A follow-up without words of its own continues its parent's."""
        return self.prompt or (self.parent.prompt if self.parent else "")

    def submission(self, task_id: int) -> Submission:
        """The same as adapters see it: no tenant, no state, no hook."""
        return Submission(
            action=self.action.name,
            mode=self.mode,
            bot_type=self.bot_type,
            prompt=self.prompt,
            images=self.images,
            mask=self.mask,
            dimensions=self.dimensions,
            motion=self.motion,
            index=self.index,
            custom_id=self.custom_id,
            parent=None if self.parent is None else parent_of(self.parent),
            filters=self.filters,
            correlation=signing.correlation(task_id),
            hint_url=signing.hint_url(task_id),
        )


def price(names: Sequence[str], mode: str, caller: Caller) -> Price:
    """What this costs this caller now. Raises PriceMissing."""
    prices = pricing.in_force(caller.prices_generation)
    return Price(
        prices.quote(names=names, mode=mode, buyer=caller.buyer),
        prices.by_mode(names=names, buyer=caller.buyer),
    )


def price_names(caller: Caller) -> list[str]:
    """The price names that this caller may use and that cost something known."""
    prices = pricing.in_force(caller.prices_generation)
    modes = set(caller.modes or pricing.MODES)
    named = {
        action.price_names[0]: action.price_names
        for action in actions.ALL
        if not caller.actions or action.name in caller.actions
    }
    return sorted(
        name
        for name, names in named.items()
        if modes & prices.by_mode(names=names, buyer=caller.buyer).keys()
    )


def permit(caller: Caller, *, action: str, mode: str) -> None:
    """Raises ActionNotAllowed when the key is for other actions or modes."""
    if (caller.actions and action not in caller.actions) or (
        caller.modes and mode not in caller.modes
    ):
        raise ActionNotAllowed(action, mode)


def hold_params(caller: Caller, price: Price) -> dict[str, Any]:
    """What a hold needs to know (ledger.HOLD_COLUMNS)."""
    return {
        "wallet_id": caller.wallet_id,
        "token_id": caller.token_id,
        "price": price.quote.amount,
        "price_rule_id": price.quote.rule_id,
        "price_name": price.quote.name,
        "mode": price.quote.mode,
        "key_concurrency": caller.key_concurrency,
        "tenant_concurrency": caller.tenant_concurrency,
    }


def parent_of(task: Task) -> Parent:
    return Parent(
        upstream_id=task.upstream_id,
        action=task.action,
        prompt=task.prompt,
        buttons=tuple(task.buttons or ()),
        row=task.upstream_row or {},
    )
