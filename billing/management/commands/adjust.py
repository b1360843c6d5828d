"""A corrected balance from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DataError, IntegrityError, transaction

from billing import ledger, money, references
from billing.errors import BillingError
from billing.models import Tenant, Wallet
from common import audit


class Command(BaseCommand):
    help = "Corrects a tenant's balance up or, with a minus, down; once per reference."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant")
        parser.add_argument("amount", help="in units of the site's currency, e.g. 2.50 or -2.50")
        parser.add_argument("reference", help="your number of the matter; booked only once")
        parser.add_argument("--actor", default="command line", help="who does it")
        parser.add_argument("--memo", required=True, help="why; the tenant can read it")

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
                ledger.adjust(
                    tenant_id=owner.pk, amount=units, reference=reference, actor=actor, memo=memo
                )
                audit.by_command(
                    "adjust wallet",
                    kind="wallet",
                    actor=actor,
                    pk=owner.pk,
                    tenant_id=owner.pk,
                    after={"amount": money.text(units), "reference": reference},
                    why=memo,
                )
        except (ValueError, BillingError) as error:
            raise CommandError(str(error)) from error
        except IntegrityError as error:
            raise CommandError(f"{reference} has been booked before") from error
        except DataError as error:
            raise CommandError(str(error).strip()) from error
        self.stdout.write(f"balance {money.text(Wallet.objects.live(owner.pk).balance)}")
