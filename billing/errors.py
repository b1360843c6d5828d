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
