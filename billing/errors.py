"""What billing refuses. relay/api/errors.py maps each to the contract's answer."""


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


class Overdrawn(BillingError):
    """A correction that would take money that is held, or more than is there and lent."""

    def __init__(self) -> None:
        super().__init__("the balance, less what is held, does not allow this")


class NothingCaptured(BillingError):
    def __init__(self, reference: str) -> None:
        super().__init__(f"nothing was paid for {reference}")


class RefundRefused(BillingError):
    """More than is left, or somebody else was quicker; the text says which."""


class BookRefused(BillingError):
    """A price book is not in the state that this needs; the text says why."""
