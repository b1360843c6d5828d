"""Sold balance from the command line."""

from typing import Any

from billing import ledger
from billing.management.booking import Booking


class Command(Booking):
    help = "Adds bought money to a tenant's wallet, once per reference."
    deed = "top up wallet"
    amount_help = "e.g. 25.00"
    reference_help = "your number of the payment"

    def book(self, **entry: Any) -> None:
        ledger.topup(**entry)
