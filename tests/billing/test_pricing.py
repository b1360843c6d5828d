"""What an action costs: the rule that fits best, the group's ratio, one rounding."""

import pytest

from billing import pricing
from billing.errors import PriceMissing
from common.models import Generation


@pytest.fixture(autouse=True)
def forgotten(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test may have worked on another database, whose counter stood higher."""
    monkeypatch.setattr(
        pricing, "_known", pricing._Known(generation=-1, prices=pricing.Prices(), until=0)
    )


def test_an_action_without_a_price_is_refused_and_never_free() -> None:
    generation = Generation.objects.get(name="prices").value
    buyer = pricing.Buyer(tenant_id=0, group_id=0, home_id=0)
    with pytest.raises(PriceMissing, match="mj_unheard_of"):
        pricing.quote(names=["mj_unheard_of"], mode="fast", buyer=buyer, generation=generation)
