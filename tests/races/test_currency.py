"""Another currency, and the first money that comes at the same moment: never both."""

from collections.abc import Iterator
from functools import partial

import pytest
from django.db import transaction

from billing import ledger, tenants
from billing.models import Entry
from common import site
from relay.errors import Conflict
from relay.operators import site_changes
from tests.faults.servers import own_database
from tests.races.waiting import Waiting


@pytest.fixture
def empty(database: str) -> Iterator[None]:
    """A site without any money."""
    with own_database(database):
        yield


def test_whoever_is_first_counts(empty: None) -> None:
    tenant = tenants.create(name="first")
    pay = partial(
        ledger.topup, tenant_id=tenant.pk, amount=1_000_000, reference="payment-1", actor="test"
    )
    change = partial(site_changes.change, {"currency": "EUR"}, actor="ann")
    with transaction.atomic():
        change()
        payment = Waiting(pay)
        assert not Entry.objects.exists()
    payment.result()
    assert (site.value("currency"), Entry.objects.count()) == ("EUR", 1)
    with pytest.raises(Conflict, match="entries in the ledger"):
        site_changes.change({"currency": None}, actor="ann")


def test_a_change_waits_for_money_that_is_coming(empty: None) -> None:
    tenant = tenants.create(name="second")
    with transaction.atomic():
        ledger.topup(tenant_id=tenant.pk, amount=1_000_000, reference="payment-2", actor="test")
        change = Waiting(partial(site_changes.change, {"currency": "EUR"}, actor="ann"))
    with pytest.raises(Conflict):
        change.result()
    assert site.value("currency") == "USD"
