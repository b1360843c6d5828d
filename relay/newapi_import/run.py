"""The import in order: read, plan, write, prove; all of it, or nothing."""

from django.db import IntegrityError, connection, transaction

from common import audit, money
from relay.newapi_import import address, plan, report, source, verify, write
from relay.newapi_import.errors import ImportRefused
from relay.newapi_import.plan import Choices

# Two imports at once would each miss what the other brings.
LOCK = 0x6E657761  # "newa"


def run(where: str, choices: Choices, *, is_kept: bool, shown: int | None) -> list[str]:
    """The report. Without `is_kept` it is a rehearsal: everything is done, proved and taken back.

    `shown` is how many rows of a finding are listed, None for all. Raises ImportRefused.
    """
    read = source.read(address.parse(where))
    try:
        with transaction.atomic():
            _alone()
            planned = plan.make(read, choices)
            prices = write.write(planned)
            total = verify.check(planned)
            audit.by_command(
                "import from new-api",
                kind="import",
                pk=choices.label,
                after={"balances": money.text(total), "prices": prices},
            )
            # The draft's number is only good as long as the draft is.
            text = list(report.lines(planned, total=total, prices=prices, shown=shown))
            transaction.set_rollback(not is_kept)
    except IntegrityError as error:
        raise ImportRefused(f"somebody else has written the same meanwhile: {error}") from error
    return text


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if cursor.fetchone() != (True,):
            raise ImportRefused("another import is under way")
