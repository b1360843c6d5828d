"""Sold balance from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from billing import ledger, money, references
from billing.models import Tenant, Wallet
from common import audit


class Command(BaseCommand):
    help = "Adds bought money to a tenant's wallet, once per reference."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant")
        parser.add_argument("amount", help="in units of the site's currency, e.g. 25.00")
        parser.add_argument("reference", help="your number of the payment; booked only once")
        parser.add_argument("--actor", default="command line", help="who does it")
        parser.add_argument("--memo", default="")

    def handle(
        self,
        *args: Any,
        tenant: str,
        amount: str,
        reference: str,
        actor: str,
        memo: str,
        **options: Any,
    ) -> None:
        owner = Tenant.objects.filter(name=tenant).first()
        if owner is None:
            raise CommandError(f"there is no tenant {tenant}")
        try:
            references.check(reference)
            units = money.to_micro(amount)
            with transaction.atomic():
                ledger.topup(
                    tenant_id=owner.pk, amount=units, reference=reference, actor=actor, memo=memo
                )
                audit.by_command(
                    "top up wallet",
                    kind="wallet",
                    actor=actor,
                    pk=owner.pk,
                    tenant_id=owner.pk,
                    after={"amount": money.text(units), "reference": reference},
                    why=memo,
                )
        except ValueError as error:
            raise CommandError(str(error)) from error
        except IntegrityError as error:
            raise CommandError(f"{reference} has been booked before") from error
        self.stdout.write(f"balance {money.text(Wallet.objects.live(owner.pk).balance)}")
