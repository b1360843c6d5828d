"""Amounts: exact in, exact out, rounded once and half up."""

from decimal import Decimal

import pytest

from billing import money


@pytest.mark.parametrize(
    ("amount", "micro"),
    [
        ("0", 0),
        ("1", 1_000_000),
        (1, 1_000_000),
        ("0.1", 100_000),
        (Decimal("0.1"), 100_000),
        ("0.000001", 1),
        ("0.0000004", 0),
        ("0.0000005", 1),
        ("0.0000015", 2),
        ("0.0000025", 3),  # half to even would make 2 of it
        ("-0.0000005", -1),
        ("-1.5", -1_500_000),
        ("1e3", 1_000_000_000),
        ("9007199254.740992", 2**53),
    ],
)
def test_an_amount_in_micro_units(amount: Decimal | str | int, micro: int) -> None:
    assert money.to_micro(amount) == micro


@pytest.mark.parametrize(
    "amount",
    [
        "",
        "abc",
        "1,5",
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "9007199254.740993",
        "1e15",
    ],
)
def test_what_is_no_amount_of_money(amount: str) -> None:
    with pytest.raises(ValueError, match="amount of money"):
        money.to_micro(amount)


@pytest.mark.parametrize("amount", [None, {}])
def test_what_is_no_number_at_all(amount: object) -> None:
    with pytest.raises(ValueError, match="amount of money"):
        money.to_micro(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "0.00"),
        (100_000, "0.10"),
        (12_500, "0.0125"),
        (1, "0.000001"),
        (10, "0.00001"),
        (1_000_000, "1.00"),
        (100_000_000, "100.00"),
        (1_234_567_891, "1234.567891"),
        (-100_000, "-0.10"),
        (-1, "-0.000001"),
        (2**53, "9007199254.740992"),
    ],
)
def test_an_amount_for_people_and_back(micro: int, text: str) -> None:
    assert money.text(micro) == text
    assert money.to_micro(text) == micro
    assert money.to_units(micro) == Decimal(text)
