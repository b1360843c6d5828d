"""What this process keeps of the database's lists until their generation rises."""

from billing import pricing
from billing.pricing import Prices
from channels import selection


def forget() -> None:
    """For who takes back what was written, or goes to another database: the generations that this
    process has seen come again, with other channels and prices."""
    pricing._known = pricing._Known(generation=-1, prices=Prices(), until=0)
    selection._known = selection._Known(generation=-1, listed=())
