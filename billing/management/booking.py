"""Money that somebody books into a wallet from the command line, once per reference."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DataError, IntegrityError, transaction

from billing import money, references
from billing.errors import BillingError
from billing.models import Tenant, Wallet
from common import audit


class Booking(BaseCommand):
    """A command that does so. `deed`: what the audit calls it."""

    deed: str
    amount_help: str
    reference_help: str
    is_memo_required = False

    def book(self, **entry: Any) -> None:
        """With tenant_id, amount in micro-units, reference, actor, memo."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant")
        parser.add_argument("amount", help=f"in units of the site's currency, {self.amount_help}")
        parser.add_argument("reference", help=f"{self.reference_help}; booked only once")
        parser.add_argument("--actor", default="command line", help="who does it")
        parser.add_argument(
            "--memo",
            default="",
            required=self.is_memo_required,
            help="why; the tenant can read it",
        )

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
        entry = {"tenant_id": owner.pk, "reference": reference, "actor": actor, "memo": memo}
        try:
            references.check(reference)
            self._book(entry | {"amount": money.to_micro(amount)})
        except (ValueError, BillingError) as error:
            raise CommandError(str(error)) from error
        except IntegrityError as error:
            raise CommandError(f"{reference} has been booked before") from error
        except DataError as error:
            raise CommandError(str(error).strip()) from error
        self.stdout.write(f"balance {money.text(Wallet.objects.live(owner.pk).balance)}")

    def _book(self, entry: dict[str, Any]) -> None:
        with transaction.atomic():
            self.book(**entry)
            audit.by_command(
                self.deed,
                kind="wallet",
                actor=entry["actor"],
                pk=entry["tenant_id"],
                tenant_id=entry["tenant_id"],
                after={
                    "amount": money.text(entry["amount"]),
                    "reference": entry["reference"],
                },
                why=entry["memo"],
            )
