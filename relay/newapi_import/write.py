"""Writes a plan. The caller holds the transaction."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password

from billing import ledger, tenants
from billing.models import Member, Role, Tenant, Token
from billing.price_files import group_ids
from channels import credentials, states
from channels.models import Channel
from common import sql
from relay.newapi_import import prices
from relay.newapi_import.channels import NewChannel
from relay.newapi_import.keys import NewKey
from relay.newapi_import.passwords import ImportedPasswordHasher
from relay.newapi_import.plan import Plan
from relay.newapi_import.users import NewTenant

ACTOR = "import_newapi"
MEMO = "balance brought along from new-api"
BATCH = 2000


def write(plan: Plan) -> str:
    """What became of the prices, in words. Raises ImportRefused, and IntegrityError when somebody
    else has written the same meanwhile."""
    groups = group_ids(plan.groups)
    made = _tenants(plan.users.new, groups)
    _sign_ins(plan.users.new, made)
    for user in plan.users.new:
        _balance(user, made[user.user_id])
    _keys(plan.keys.new, plan.tenants | made, groups)
    # Many times what was there before, and autovacuum sees it only later: who asks for one of them
    # now would have all of them read.
    sql.execute("ANALYZE billing_tenant, billing_wallet, billing_token")
    if plan.channels:
        _channels(plan.channels.new)
    if not plan.prices:
        return "none"
    return prices.write(plan.prices, actor=ACTOR, is_published=plan.choices.publish_prices)


def _tenants(users: list[NewTenant], groups: Mapping[str, int]) -> dict[int, int]:
    """The new tenants by the users' numbers."""
    made = tenants.create_many({user.name: groups[user.group] for user in users})
    disabled = [made[user.name].pk for user in users if not user.is_active]
    Tenant.objects.filter(pk__in=disabled).update(is_active=False)
    return {user.user_id: made[user.name].pk for user in users}


def _sign_ins(users: list[NewTenant], made: Mapping[int, int]) -> None:
    model = get_user_model()
    people = model._default_manager.bulk_create(
        (
            model(
                username=user.sign_in_name,
                email=user.email,
                password=_stored(user.password),
                is_active=user.is_active,
            )
            for user in users
        ),
        batch_size=BATCH,
    )
    Member.objects.bulk_create(
        (
            Member(tenant_id=made[user.user_id], user=person, role=Role.OWNER)
            for user, person in zip(users, people, strict=True)
        ),
        batch_size=BATCH,
    )


def _stored(password: str) -> str:
    return ImportedPasswordHasher.stored(password) if password else make_password(None)


def _balance(user: NewTenant, tenant_id: int) -> None:
    """One entry with the user's reference in each case: by it the user is known again."""
    whose: dict[str, Any] = {"tenant_id": tenant_id, "actor": ACTOR}
    if user.balance > 0:
        ledger.topup(amount=user.balance, reference=user.reference, memo=MEMO, **whose)
    elif user.balance < 0:
        ledger.set_credit_limit(credit_limit=-user.balance, **whose)
        ledger.adjust(amount=user.balance, reference=user.reference, memo=MEMO, **whose)
    else:
        ledger.set_credit_limit(credit_limit=0, reference=user.reference, **whose)


def _keys(keys: list[NewKey], owners: Mapping[int, int], groups: Mapping[str, int]) -> None:
    Token.objects.bulk_create(
        (
            Token(
                tenant_id=owners[key.user_id],
                name=key.name,
                prefix=key.prefix,
                digest=key.digest,
                is_active=key.is_active,
                expires_at=key.expires_at,
                group_id=groups[key.group] if key.group else None,
                actions=key.actions,
                addresses=key.addresses,
                budget=key.budget,
            )
            for key in keys
        ),
        batch_size=BATCH,
    )


def _channels(channels: list[NewChannel]) -> None:
    for channel in channels:
        row = Channel(
            name=channel.name,
            kind=channel.kind,
            base_url=channel.base_url,
            state=channel.state,
            priority=channel.priority,
            weight=channel.weight,
            groups=channel.groups,
            actions=channel.actions,
        )
        first, *others = channel.secrets or [""]
        states.make(row, secret=first, actor=ACTOR)
        for number, secret in enumerate(others, start=2):
            credentials.add(row, name=f"key {number}", secret=secret, actor=ACTOR)
