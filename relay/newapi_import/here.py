"""What is here already: names that are taken, and what an earlier run has imported."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth import get_user_model

from billing.models import Entry, Tenant, Token
from channels.models import Channel

T = TypeVar("T")
BATCH = 5000


def reference(label: str, user_id: int) -> str:
    """The ledger entry that brought a user's balance; by it an imported user is known again."""
    return f"{label}-user-{user_id}"


@dataclass
class Here:
    """`tenants` are the imported ones by the user's number there. Names that the run itself gives
    away are added to the sets."""

    tenants: dict[int, int]
    tenant_names: set[str]
    sign_in_names: set[str]
    channel_addresses: dict[str, str]


def look(*, label: str, user_ids: Iterable[int]) -> Here:
    users = get_user_model()._default_manager
    return Here(
        tenants=_tenants(label, list(user_ids)),
        tenant_names=set(Tenant.objects.values_list("name", flat=True)),
        sign_in_names=set(users.values_list("username", flat=True)),
        channel_addresses=dict(Channel.objects.values_list("name", "base_url")),
    )


def owners(digests: Iterable[bytes]) -> dict[bytes, int]:
    """Whose a key is here already: tenants by digest."""
    found: dict[bytes, int] = {}
    for batch in _batches(list(digests)):
        for column in ("digest", "old_digest"):
            known = Token.objects.filter(**{f"{column}__in": batch})
            rows = known.values_list(column, "tenant_id")
            found |= {bytes(digest): tenant_id for digest, tenant_id in rows}
    return found


def _tenants(label: str, user_ids: list[int]) -> dict[int, int]:
    numbers = {reference(label, user_id): user_id for user_id in user_ids}
    found: dict[int, int] = {}
    for batch in _batches(list(numbers)):
        # The index of references is one of all entries but refunds.
        entries = Entry.objects.filter(reference__in=batch).exclude(kind=Entry.Kind.REFUND)
        rows = entries.values_list("reference", "wallet__tenant_id")
        found |= {numbers[name]: tenant_id for name, tenant_id in rows}
    return found


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
