"""What the relay does every second looks into one or two weeks of the tables that grow for ever."""

from collections.abc import Iterator

import pytest
from django.db import connection

from bench import deeds, plans, seed, visitors
from bench.plans import Explainer, explained
from common import sql
from common.partitions import parts
from relay.following import statements as following_statements
from relay.messages import statements as message_statements
from relay.models import Task
from relay.submits import room
from relay.submits import statements as submit_statements
from relay.watch import proofs
from relay.weeks import retention
from tests.faults.servers import own_database

WEEKS = 9
# What no deed here comes to: an upstream that says no while there is another, or says nothing.
UNDONE = {"NEXT_ATTEMPT", "UNKNOWN"}
STATEMENTS = (submit_statements, following_statements, message_statements)
_INDEXES = "SELECT count(*) AS number FROM pg_index WHERE indrelid = %s::regclass"


@pytest.fixture(scope="module")
def found(database: str) -> Iterator[Explainer]:
    """All that is done every second, on a past that was made in slices and without indexes."""
    with own_database(database), pytest.MonkeyPatch.context() as patch:
        patch.setattr(seed, "SLICE_TASKS", 700)
        patch.setattr(seed, "LARGE_TASKS", 1)
        seed.seed(tasks=3000, tenants=4, channels=2, days=7 * WEEKS, live=20, modal_share=0.2)
        visitors.forget()
        with explained() as explainer:
            deeds.do_all(explainer)
        yield explainer
        visitors.forget()


def test_what_is_done_every_second_looks_into_two_parts_at_most(found: Explainer) -> None:
    assert found.faults() == []
    # A replay is answered without any of these tables.
    assert set(deeds.DEEDS) - {plan.deed for plan in found.plans} == {"submit again"}


def test_every_hot_statement_was_looked_at(found: Explainer) -> None:
    done = {plan.text for plan in found.plans}
    hot = {
        name: text
        for module in STATEMENTS
        for name, text in vars(module).items()
        if name.isupper() and name[0] != "_"
        if isinstance(text, str) and plans._TABLES.search(text)
    }
    forgotten = {name for name, text in hot.items() if text not in done}
    assert forgotten <= UNDONE
    assert {room._LIVE, room._RECENT} <= done


def test_a_past_has_a_part_for_each_of_its_weeks(found: Explainer) -> None:
    for table in retention.TABLES:
        weeks = parts.of(table)
        before, newest = f"{table.table}{parts.BEFORE}", weeks[-1].name
        assert len(weeks) >= WEEKS + 1 + parts.AHEAD
        assert _number(before) == _number(f"{before} WHERE {table.key} = 0")
        assert _number(weeks[3].name) > 20
        assert len({sql.fetch_one(_INDEXES, [part]).number for part in (before, newest)}) == 1


def test_what_was_explained_has_not_happened(found: Explainer) -> None:
    assert [promise for promise, findings in proofs.run() if findings] == []


def test_what_looks_through_all_parts_or_reads_one_whole_is_noticed(
    found: Explainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "WHOLE_ROWS_MAX", 100)
    with explained() as noticed:
        noticed.deed = "look"
        list(Task.objects.filter(prompt="cat"))
        sql.fetch_all("SELECT id FROM relay_task WHERE id = %s", [1])
    every, one = noticed.plans
    first, *whole = every.faults()
    assert first.startswith(f"look: looks into {every.parts_most} parts of relay_task: SELECT")
    assert every.parts_most >= WEEKS + parts.AHEAD
    assert whole[0].startswith("look: reads relay_task_")
    assert list(one.faults()) == []


def _number(rows: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {rows}")
        return int(cursor.fetchone()[0])
