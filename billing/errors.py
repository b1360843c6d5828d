"""What billing refuses. relay/api/errors.py maps each to the contract's answer."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billing.limits.counts import Standing


class BillingError(Exception):
    """The text is meant for the tenant."""


class InvalidKey(BillingError):
    """None, unknown, disabled or expired: one text for all, so that nothing can be probed."""

    def __init__(self) -> None:
        super().__init__("invalid API key")


class TenantDisabled(BillingError):
    def __init__(self) -> None:
        super().__init__("this tenant is disabled, please contact the operator")


class QuotaNotEnough(BillingError):
    """The wallet's or the key's money does not cover the price."""


class PriceMissing(BillingError):
    """An action without a price is refused, never free."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no price on this site")
        self.name = name


class PricesInvalid(BillingError):
    """The text of a price book cannot be read; says where."""


class ConcurrencyLimited(BillingError):
    """As many tasks as are allowed are under way."""

    def __init__(self, whose: str, limit: int) -> None:
        super().__init__(f"{whose} may have {limit} tasks under way at once")
        self.limit = limit


class RateLimited(BillingError):
    """Too many requests in 60 seconds; `standing` tells when there is room again."""

    def __init__(self, standing: "Standing") -> None:
        limit = standing.limit
        super().__init__(f"{limit.whose} may make {limit.per_minute} {limit.deeds} in 60 seconds")
        self.standing = standing

    @property
    def retry_after(self) -> int:
        """Seconds."""
        return max(1, self.standing.retry_after)


class ActionNotAllowed(BillingError):
    """The key is for other actions or other modes."""

    def __init__(self, action: str, mode: str) -> None:
        super().__init__(f"this API key may not be used for {action} in {mode} mode")


class AddressNotAllowed(BillingError):
    """The key, or the page, is for other addresses."""

    def __init__(self) -> None:
        super().__init__("this may not be used from your address")


class Overdrawn(BillingError):
    """A correction that would take money that is held, or more than is there and lent."""

    def __init__(self) -> None:
        super().__init__("the balance, less what is held, does not allow this")


class NothingCaptured(BillingError):
    def __init__(self, reference: str) -> None:
        super().__init__(f"nothing was paid for {reference}")


class RefundRefused(BillingError):
    """More than is left, or somebody else was quicker; the text says which."""


class EntriesGone(BillingError):
    """Single entries of a time are asked for whose entries have been dropped (carrying.py)."""

    def __init__(self, until: date) -> None:
        super().__init__(
            f"first: single entries up to {until} are not kept any more, only their sums"
        )


class BookRefused(BillingError):
    """A price book is not in the state that this needs; the text says why."""


class LinesOvertaken(BookRefused):
    """Somebody else has changed lines of a draft meanwhile: `rules` and `ratios` are those lines by
    their place in what was asked, as they are by now; None for one that is gone."""

    def __init__(self, rules: dict[int, int | None], ratios: dict[int, Decimal | None]) -> None:
        places = [f"rules.{place}" for place in rules] + [f"ratios.{place}" for place in ratios]
        super().__init__(f"somebody else has changed these lines meanwhile: {', '.join(places)}")
        self.rules, self.ratios = rules, ratios


class CodeRefused(BillingError):
    """A redemption code is not good, or not any more; the text says no more than its holder may
    know."""


class TopUpRefused(BillingError):
    """An order of balance that is not taken, or cannot be settled so; the text says why."""


class ProviderOff(BillingError):
    """A payment service that this site does not use: it takes no orders, and what comes in its
    name is never believed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"this site takes no payments through {name}")


class ProviderFailed(BillingError):
    """The payment service did not do what it was asked."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} did not take the order, please try again later")


class PaymentRefused(BillingError):
    """News of a payment that nothing is booked for."""


class InvalidSignature(PaymentRefused):
    """Not from whom it says, or too old."""

    def __init__(self) -> None:
        super().__init__("the signature does not fit")


class MalformedPayment(PaymentRefused):
    """Signed, but not what the protocol says; the text tells what is wrong."""


class OrderUnknown(PaymentRefused):
    """No order of this number at this payment service."""

    def __init__(self) -> None:
        super().__init__("there is no such order")


class LastOfRole(BillingError):
    """Nobody of this role would be left, and so nobody to give it to somebody."""

    def __init__(self, role: str) -> None:
        super().__init__(f"this is the last {role}")


class InvitationRefused(BillingError):
    """It cannot be made, accepted or withdrawn; the text says why."""
