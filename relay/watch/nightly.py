"""The proofs of relay/watch/proofs.py, run once a night by whichever worker comes first."""

import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from billing import notices
from common import sql
from common.proofs import Verdict
from relay.models import ProofRun
from relay.watch import proofs

logger = logging.getLogger(__name__)

BOOKS_WRONG = "books.wrong"
BROKE_OFF = "the proof itself comes to its end"
# Whoever has not ended a run by then is dead; another one takes it over.
LEASE = timedelta(hours=1)
KEPT = timedelta(days=90)
FINDINGS_PER_PROMISE = 10
FINDING_MAX_CHARS = 300
# A message to a hook is small.
TOLD_MAX = 20
_FOUND = _(
    "The nightly proof has found %(number)d contradictions. `manage.py doctor` tells them all. The "
    "first are:"
)

# Of several workers in one night one gets a row, and another only when the first has died.
_CLAIM = """
INSERT INTO relay_proofrun (night, started_at, findings, number)
VALUES (%(night)s, clock_timestamp(), '[]', 0)
ON CONFLICT (night) DO UPDATE SET started_at = excluded.started_at
WHERE relay_proofrun.finished_at IS NULL
  AND relay_proofrun.started_at < clock_timestamp() - %(lease)s
RETURNING id, started_at
"""


def run() -> bool:
    """Proves the books if it was not done this night. Contradictions are logged, stored, and told
    to the operators. False when there was nothing to do."""
    claimed = sql.fetch_one(_CLAIM, {"night": night(timezone.now()), "lease": LEASE})
    if claimed is None:
        return False
    wrong = list(_wrong())
    for finding in _findings(wrong):
        logger.error("the books are wrong: %s", finding)
    _store(claimed.id, claimed.started_at, wrong)
    ProofRun.objects.filter(started_at__lt=timezone.now() - KEPT).delete()
    return True


def night(moment: datetime) -> date:
    """The night whose proof is due at a moment: it begins at PROOF_HOUR_UTC."""
    return (moment - timedelta(hours=settings.PROOF_HOUR_UTC)).date()


def _wrong() -> Iterator[Verdict]:
    """Also when a proof cannot be made: nobody is to believe in a silence."""
    try:
        with proofs.snapshot():
            verdicts = proofs.verdicts(limit=FINDINGS_PER_PROMISE)
            yield from [verdict for verdict in verdicts if verdict.number]
    except DatabaseError as error:
        logger.exception("the proof of the books broke off")
        yield Verdict(BROKE_OFF, 1, [f"{type(error).__name__}: {error}"], 0)


def _findings(wrong: list[Verdict]) -> list[str]:
    return [
        f"{verdict.promise}: {finding}"[:FINDING_MAX_CHARS]
        for verdict in wrong
        for finding in verdict.findings
    ]


@transaction.atomic
def _store(run_id: int, started_at: datetime, wrong: list[Verdict]) -> None:
    number = sum(verdict.number for verdict in wrong)
    findings = _findings(wrong)
    mine = ProofRun.objects.filter(pk=run_id, started_at=started_at, finished_at__isnull=True)
    if not mine.update(finished_at=timezone.now(), findings=findings, number=number) or not number:
        return
    told = findings[:TOLD_MAX]
    notices.raise_notice(
        tenant=None,
        kind=BOOKS_WRONG,
        subject=_("The books are wrong: %(number)d contradictions"),
        text=notices.PARAGRAPH.join((_FOUND, "%(findings)s")),
        data={"proof_run": run_id, "number": number, "findings": told},
        values={"number": number, "findings": "\n".join(f"- {finding}" for finding in told)},
    )
