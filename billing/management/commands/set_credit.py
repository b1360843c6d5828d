"""A credit limit from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from billing import ledger, money
from billing.errors import BillingError
from billing.models import Tenant, Wallet
from common import audit


class Command(BaseCommand):
    help = "Sets how far below zero a tenant's balance may go."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant")
        parser.add_argument("amount", help="in units of the site's currency, e.g. 50.00; 0: none")
        parser.add_argument("--actor", default="command line", help="who allows it")

    def handle(self, *args: Any, tenant: str, amount: str, actor: str, **options: Any) -> None:
        owner = Tenant.objects.filter(name=tenant).first()
        if owner is None:
            raise CommandError(f"there is no tenant {tenant}")
        try:
            limit = money.to_micro(amount)
            with transaction.atomic():
                before = Wallet.objects.live(owner.pk).credit_limit
                ledger.set_credit_limit(tenant_id=owner.pk, credit_limit=limit, actor=actor)
                audit.by_command(
                    "set credit limit",
                    kind="wallet",
                    actor=actor,
                    pk=owner.pk,
                    tenant_id=owner.pk,
                    before={"credit_limit": money.text(before)},
                    after={"credit_limit": money.text(limit)},
                )
        except (ValueError, BillingError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"the balance of {owner} may go down to {money.text(-limit)}")
