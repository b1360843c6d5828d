"""What people may call a payment or a correction in the ledger."""

# By these names the ledger's own sales are found again, and proved.
OWN_PREFIXES = ("code-", "topup-", "test-money-", "credit-limit-")
# As long as Entry.reference may be.
MAX_CHARS = 64


def check(reference: str) -> None:
    """Raises ValueError for one that is taken for something else, or cannot be stored."""
    if not reference.strip() or len(reference) > MAX_CHARS or not reference.isprintable():
        raise ValueError(f"a reference has 1 to {MAX_CHARS} printable characters")
    if reference.startswith(OWN_PREFIXES):
        raise ValueError(
            f"references that begin with {', '.join(OWN_PREFIXES)} are the relay's own"
        )
