"""Money is an integer of micro-units: 1,000,000 = 1.00 of the site's currency."""

from decimal import ROUND_HALF_UP, Decimal

UNIT = 1_000_000
MICRO_HELP = "Micro-units: 1,000,000 = 1.00 of the site's currency."
# 2^53 micro-units is 9 thousand million; a larger figure is a slip of the finger.
LARGEST = 2**53


def to_micro(amount: Decimal | str | int) -> int:
    """Micro-units of an amount in currency units, rounded half up.

    Raises ValueError when it is not a finite number or absurdly large.
    """
    try:
        exact = Decimal(amount) * UNIT
        if not exact.is_finite():
            raise ValueError(f"{amount!r} is not an amount of money")
        if abs(exact) > LARGEST:
            raise ValueError(f"{amount!r} is too large for an amount of money")
        return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f"{amount!r} is not an amount of money") from error


def to_units(micro: int) -> Decimal:
    """The amount in currency units, exact."""
    return Decimal(micro) / UNIT


def text(micro: int) -> str:
    """The amount for people: two decimals, more only where they are needed ("0.10", "0.0125")."""
    whole = f"{to_units(micro):.6f}"
    return whole[:-4] + whole[-4:].rstrip("0")
