"""The budgets of keys for a day, a week and a month, as parts of the ledger's statements."""

from billing.models import Token

# The moment that an entry shows, and that decides what it counts in. Not now(): a transaction that
# began before midnight would count its holds in another day than their entries show.
MOMENT = "statement_timestamp()"


def _began(period: str, moment: str) -> str:
    """When the day, week or month (UTC) began that a moment is in."""
    return f"date_trunc('{period}', {moment} AT TIME ZONE 'UTC')::date"


TODAY = "today AS (SELECT {})".format(
    ", ".join(f"{_began(period, MOMENT)} AS {period}" for period in Token.PERIODS)
)
# A hold counts in the periods it was made in. A later period begins from nothing; one that is
# over already (this statement waited over midnight) is not counted any more.
HOLD = ", ".join(
    f"""{period}_used = CASE
            WHEN {period}_began = payer.{period} THEN {period}_used + payer.price
            WHEN {period}_began > payer.{period} THEN {period}_used ELSE payer.price END,
        {period}_began = greatest({period}_began, payer.{period})"""
    for period in Token.PERIODS
)


def fit(price: str) -> str:
    """SQL: whether a key has so much left in each; `price` is SQL too. With TODAY."""
    return " AND ".join(
        f"""({period}_budget IS NULL OR {period}_budget >= {price}
            + CASE WHEN {period}_began >= today.{period} THEN {period}_used ELSE 0 END)"""
        for period in Token.PERIODS
    )


# Whatever of a hold is given back is given back to its periods, as far as they are not over.
RETURN = ", ".join(
    f"""{period}_used = billing_token.{period}_used - CASE
            WHEN billing_token.{period}_began = {_began(period, "hold.created_at")}
                THEN {{returned}} ELSE 0 END"""
    for period in Token.PERIODS
)
