"""Read-only sums over money."""

from typing import NamedTuple

from billing.models import Token, Wallet


class Funds(NamedTuple):
    """What a key can still spend and what it has used (captured and held), micro-units."""

    left: int
    used: int


def funds(*, wallet_id: int, token_id: int) -> Funds:
    """The key's own budget counts where it has one, else the wallet does."""
    token = Token.objects.get(pk=token_id)
    left = Wallet.objects.get(pk=wallet_id).available
    used = token.spent + token.held
    if token.budget is not None:
        left = min(left, token.budget - used)
    return Funds(left=max(left, 0), used=used)
