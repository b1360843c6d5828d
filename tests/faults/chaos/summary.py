"""The table that is printed when all is over."""

from collections import Counter
from collections.abc import Iterable, Iterator

from relay.models import Attempt, Callback
from tests.faults.chaos.evidence import Evidence
from tests.faults.chaos.verdict import Finding

WIDTH = 70
BROKEN_SHOWN = 5
WORDS_SHOWN = 12
REASON_CHARS = 40


def text(found: Evidence, findings: list[Finding]) -> str:
    size = found.plan.size
    return "\n".join(
        [
            f"seed {size.seed}: {size.tasks:,} tasks of {size.tenants} tenants over "
            f"{size.channels} channels in {size.seconds:g} s",
            "",
            "troubles",
            *(
                f"  {one.began:6.1f} to {one.ended:6.1f} s  {one.trouble.target:16} "
                f"{one.trouble.how}"
                for one in found.happened
            ),
            "",
            "what happened",
            *(f"  {what:36}{number}" for what, number in _counts(found)),
            "",
            f"{'promises':{WIDTH}}{'looked at':>10}{'broken':>8}",
            *(
                f"  {finding.promise:{WIDTH - 2}}{finding.looked_at:>10,}{len(finding.broken):>8,}"
                for finding in findings
            ),
            "",
            f"again: {size.command}",
        ]
    )


def broken(findings: list[Finding]) -> str:
    """What contradicts, cut; empty when nothing does."""
    return "\n".join(
        f"{finding.promise}:\n" + "\n".join(f"  {line}" for line in finding.broken[:BROKEN_SHOWN])
        for finding in findings
        if finding.broken
    )


def _counts(found: Evidence) -> Iterator[tuple[str, object]]:
    for method in ("POST", "GET"):
        requests = {
            word.removeprefix(f"{method} "): number
            for word, number in found.records.requests.items()
            if word.startswith(method)
        }
        yield f"clients' {method}s, by answer", _sums(Counter(requests))
    yield "tasks", _by(task.status for task in found.tasks)
    reasons = (task.fail_reason[:REASON_CHARS] for task in found.tasks if task.fail_reason)
    yield "  why they failed", _by(reasons)
    yield "  of these taken by channel", _by(_takers(found))
    yield "  of test keys", sum(task.is_test for task in found.tasks)
    late = sum(task.hold_suffix == ":late" or task.is_written_off for task in found.tasks)
    yield "  given up, then drawn all the same", late
    yield "  of these written off", sum(task.is_written_off for task in found.tasks)
    yield "attempts", _by(Attempt.objects.values_list("outcome", flat=True))
    yield "submits at upstreams", _by(one.upstream for one in found.arrivals)
    yield "  accepted", _by(one.upstream for one in found.arrivals if one.is_accepted)
    yield "callbacks", _by(row.state for row in found.callbacks)
    ends = [row for row in found.callbacks if row.is_final]
    yield "  ends", _by(row.state for row in ends)
    first_time = Callback.State.DELIVERED
    yield (
        "  ends delivered at the first try",
        sum(row.tries == 1 and row.state == first_time for row in ends),
    )
    yield "messages received, by answer", _by(letter.answered for letter in found.letters)
    yield "top-ups", found.top_ups
    yield "refunds", len(found.refunded)
    yield "quiet after", f"{found.seconds_to_quiet:.0f} s"


def _takers(found: Evidence) -> Iterator[str]:
    """Whose drawing came to nothing: their channel, and why it did."""
    taken = {one.task_id: one.upstream for one in found.arrivals if one.is_accepted}
    for task in found.tasks:
        if task.status == "FAILURE" and task.pk in taken:
            yield f"{taken[task.pk]} ({task.fail_reason.partition(':')[0][:20]})"


def _by(words: Iterable[object]) -> str:
    return _sums(Counter(str(word) for word in words))


def _sums(counts: "Counter[str]") -> str:
    parts = [f"{word} {number:,}" for word, number in counts.most_common(WORDS_SHOWN)]
    return f"{sum(counts.values()):,}: {', '.join(parts)}"
