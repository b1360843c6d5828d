"""The payment services that tenants can pay balance through."""

from typing import NamedTuple

from billing.errors import ProviderOff
from billing.providers.base import Provider
from billing.providers.epay import EPay
from billing.providers.stripe import Stripe

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (Stripe(), EPay())}


class Offer(NamedTuple):
    """A payment service that takes orders, and the ways to pay there (empty: it asks itself)."""

    name: str
    methods: list[str]


def find(name: str) -> Provider:
    """Raises ProviderOff for one that is unknown."""
    try:
        return PROVIDERS[name]
    except KeyError as error:
        raise ProviderOff(name[:20]) from error


def offers() -> list[Offer]:
    """Those that the settings have switched on."""
    return [Offer(one.name, one.methods) for one in PROVIDERS.values() if one.is_on]
