"""A corrected balance from the command line."""

from typing import Any

from billing import ledger
from billing.management.booking import Booking


class Command(Booking):
    help = "Corrects a tenant's balance up or, with a minus, down; once per reference."
    deed = "adjust wallet"
    amount_help = "e.g. 2.50 or -2.50"
    reference_help = "your number of the matter"
    is_memo_required = True

    def book(self, **entry: Any) -> None:
        ledger.adjust(**entry)
