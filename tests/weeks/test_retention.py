"""Weeks of tasks that are older than KEEP_TASKS_DAYS go as a whole, or not at all."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import TextField
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from billing import carrying, usage
from billing.models import Entry
from common import sql
from common.partitions import dropping, guard, parts, weeks
from relay import jobs
from relay.messages import callbacks
from relay.models import (
    Attempt,
    Callback,
    CallbackAttempt,
    DroppedWeek,
    HookTest,
    IdempotentRequest,
    ProofRun,
    ResultFile,
    Task,
)
from relay.operators import refunds
from relay.pictures import results
from relay.watch import attention, metrics, readiness
from relay.weeks import old_weeks, retention
from tests.races.together import raised, together
from tests.stack import wait_until
from tests.weeks.past import (
    KEEP,
    doctor,
    drop,
    drop_tasks,
    mondays,
    tasks_of,
    wrong,
)


def old() -> list[date]:
    """The weeks that are old enough, the oldest first."""
    limit = timezone.now() - timedelta(days=KEEP["KEEP_TASKS_DAYS"])
    return [monday for monday in mondays() if weeks.begin(monday + weeks.WEEK) <= limit]


def test_all_is_kept_for_ever_unless_somebody_says_otherwise(past: None, settings: Any) -> None:
    settings.KEEP_TASKS_DAYS = settings.KEEP_ENTRIES_DAYS = 0
    before = mondays()
    assert drop(timezone.now() + timedelta(days=10_000)) == []
    assert mondays() == before


def test_old_weeks_go_with_all_that_belongs_to_their_tasks(own_past: str) -> None:
    going, until = old(), weeks.first_id(old()[-1] + weeks.WEEK)
    assert len(going) >= 4
    kept = Task.objects.filter(pk__gte=until).count()
    assert doctor() == (0, [])
    assert drop_tasks() == [(monday, "") for monday in going]
    assert doctor() == (0, [])
    assert not set(mondays()) & set(going)
    assert Task.objects.count() == kept
    for model in (Attempt, Callback, CallbackAttempt):
        assert model.objects.exists()
        assert not model.objects.filter(task_id__lt=until).exists()
    assert list(DroppedWeek.objects.order_by("monday").values_list("monday", flat=True)) == going
    assert drop_tasks() == []


def test_what_lies_before_the_first_part_of_its_table_goes_too(past: None) -> None:
    """A table that was empty when it was parted begins with a later week than that of tasks."""
    tries, (first, second, *_) = retention.OF_TASKS[-1], old()
    told = Callback.objects.filter(task__in=tasks_of(first))[0]
    before = tries.table + parts.BEFORE
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {before}, {parts.name_of(tries, first)}")
    parts.attach(tries, before, since=None, until=second)
    CallbackAttempt.objects.create(callback=told, task=told.task, number=1, milliseconds=1)
    assert drop_tasks()[0] == (first, "")
    assert not CallbackAttempt.objects.filter(task=told.task_id).exists()


def test_a_week_goes_when_its_last_day_is_old_enough(past: None) -> None:
    monday = mondays()[0]
    end = weeks.begin(monday + weeks.WEEK) + timedelta(days=KEEP["KEEP_TASKS_DAYS"])
    assert drop(end - timedelta(seconds=1)) == []
    assert drop(end) == [(monday, "")]


def test_a_dry_run_tells_the_same_and_does_nothing(past: None) -> None:
    def told(*arguments: str) -> list[list[str]]:
        out = StringIO()
        call_command("drop_old", *arguments, stdout=out)
        lines = out.getvalue().replace("would be dropped", "dropped").splitlines()
        assert lines[0] == "tasks are kept for 20 days (KEEP_TASKS_DAYS=20)"
        return [line.split()[:3] for line in lines[3:]]

    before = mondays()
    foreseen = told("--dry-run")
    assert mondays() == before
    assert not DroppedWeek.objects.exists()
    assert foreseen == told()
    assert len(foreseen) > len(old())
    assert foreseen[0] == [str(old()[0] if old() else before[0]), "tasks", "dropped"]
    assert told() == []


def _is_live(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(status="SUBMITTED", next_poll_at=timezone.now())


def _waits_for_confirmation(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(status="MODAL")


def _is_asked_for_late(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(late_look_at=timezone.now())


def _is_told(task: Task) -> None:
    Callback.objects.filter(pk=_callback(task).pk).update(state="pending", due_at=timezone.now())


def _is_being_told(task: Task) -> None:
    soon = timezone.now() + timedelta(minutes=1)
    Callback.objects.filter(pk=_callback(task).pk).update(flies_until=soon)


def _is_copied(task: Task) -> None:
    ResultFile.objects.create(task=task, kind="image", number=0, source_url="https://x.example/")


def _is_remembered(task: Task) -> None:
    at = weeks.moment_of(task.pk)
    IdempotentRequest.objects.create(tenant=task.tenant, key="k", digest=b"x", started_at=at)


def _callback(task: Task) -> Callback:
    end = weeks.first_id(weeks.of(weeks.moment_of(task.pk)) + weeks.WEEK)
    found = Callback.objects.filter(task_id__gte=task.pk, task_id__lt=end).first()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (_is_live, "1 tasks have not ended"),
        (_waits_for_confirmation, "1 tasks have not ended"),
        (_is_asked_for_late, "1 tasks that failed are still asked for"),
        (_is_told, "1 callbacks are still to be delivered"),
        (_is_being_told, "1 callbacks are on their way"),
        (_is_copied, "1 files of results are still to be copied"),
        (_is_remembered, "1 requests with an Idempotency-Key are still remembered"),
    ],
)
def test_what_is_open_keeps_its_week_and_those_after_it(
    past: None, happens: Callable[[Task], None], why: str
) -> None:
    first, second, *others = old()
    happens(tasks_of(second)[0])
    count = tasks_of(second).count()
    found = drop_tasks()
    # (A request is remembered by its time, of whatever week its task is.)
    assert found[:2] == [(first, ""), (second, why)]
    assert {reason for _, reason in found[2:]} == {old_weeks.AFTER_OTHERS}
    assert tasks_of(second).count() == count > 0
    assert [monday for monday, _ in found] == [first, second, *others]


def test_an_open_hold_keeps_its_week(past: None) -> None:
    monday = old()[0]
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            f"DELETE FROM {parts.name_of(retention.ENTRIES, monday)} WHERE kind = 'release'"
            " AND id = (SELECT min(id) FROM billing_entry WHERE kind = 'release' AND drawing > 0)"
        )
        assert cursor.rowcount == 1
        cursor.execute("RESET session_replication_role")
    assert drop()[0] == (monday, "1 holds of its tasks have not ended")
    assert monday in mondays()


def test_while_the_books_are_wrong_nothing_goes_that_may_tell_why(past: None) -> None:
    ProofRun.objects.create(finished_at=timezone.now(), number=2)
    found = drop()
    assert found[0] == (old()[0], "the last proof of the books has found 2 contradictions")
    assert {why for _, why in found[1:]} >= {old_weeks.AFTER_OTHERS}
    ProofRun.objects.create(finished_at=timezone.now(), number=0)
    assert {why for _, why in drop()} == {""}


def test_a_week_in_use_is_left_to_the_next_time(
    own_past: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropping, "TRIES", 2)
    monkeypatch.setattr(dropping, "PAUSE_SECONDS", 0.01)
    with psycopg.connect(own_past) as reader:
        reader.execute("SELECT 1 FROM relay_task LIMIT 1")
        found = drop_tasks()
        assert found[0] == (old()[0], dropping.BUSY)
        assert not DroppedWeek.objects.exists()
    assert {why for _, why in drop()} == {""}
    assert doctor() == (0, [])


def test_who_must_wait_gives_up_before_others_are_hurt() -> None:
    """The server ends one of those who wait for each other after a second."""
    assert dropping.LOCK_SECONDS < 1


def test_two_at_once_drop_each_week_once(own_past: str, settings: Any) -> None:
    settings.KEEP_ENTRIES_DAYS = 0
    going = old()
    found = together([drop, drop])
    assert raised(found) == []
    done = [monday for weeks_ in found for monday, why in weeks_ if not why]
    assert set(done) <= set(going)
    assert len(done) == len(set(done)) >= 1
    drop()
    assert old() == []
    assert doctor() == (0, [])


def test_nothing_goes_while_the_books_are_proven(own_past: str) -> None:
    from relay.watch import proofs

    with proofs.snapshot():
        assert Task.objects.exists()
        (found,) = together([lambda: drop_tasks()])
    assert found[0] == (old()[0], carrying.IN_USE)
    assert {why for _, why in drop()} == {""}


def test_the_doctor_waits_for_a_drop_and_then_sees_what_it_left(own_past: str) -> None:
    done: list[tuple[int, list[str]]] = []

    def look() -> None:
        done.append(doctor())
        connection.close()

    with transaction.atomic():
        assert guard.is_alone(usage.WEEKS)
        looker = threading.Thread(target=look)
        looker.start()
        wait_until(_somebody_waits_for_us, what="the doctor waits")
        assert done == []
        assert {why for _, why in drop()} == {""}
    looker.join(60)
    assert done == [(0, [])]


def _somebody_waits_for_us() -> bool:
    """(pg_stat_activity tells the same all through a transaction.)"""
    statement = """
        SELECT count(*) AS number FROM pg_locks
        WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"""
    return bool(sql.fetch_one(statement).number)


def test_a_replay_that_comes_first_keeps_its_week(own_past: str) -> None:
    """It was not to be seen when the week was looked at, and is when nobody else can come."""
    told = Callback.objects.filter(task__in=tasks_of(old()[0]), is_final=True)[0]
    found: list[tuple[date, str]] = []

    def go() -> None:
        found.extend(drop_tasks())
        connection.close()

    dropper = threading.Thread(target=go)
    with transaction.atomic():
        assert callbacks.replay(told, url="https://hook.example/")
        dropper.start()
        wait_until(_somebody_waits_for_us, what="the drop waits")
    dropper.join(60)
    assert found[0] == (old()[0], "1 callbacks are still to be delivered")
    assert doctor() == (0, [])


def test_a_drop_that_is_cut_off_has_done_nothing(own_past: str) -> None:
    first = old()[0]
    with psycopg.connect(own_past, autocommit=True) as other:
        with other.transaction():
            other.execute("LOCK TABLE relay_callback IN ACCESS SHARE MODE")
            cut = threading.Thread(target=_swallow, args=(drop,))
            cut.start()
            wait_until(lambda: _end_who_waits(other), what="the drop is cut off")
            cut.join(60)
        assert not cut.is_alive()
    assert mondays()[0] == first
    assert not DroppedWeek.objects.exists()
    assert doctor() == (0, [])
    assert {why for _, why in drop()} == {""}


def _swallow(deed: Callable[[], object]) -> None:
    with pytest.raises(Exception, match=r"terminat|closed|connection"):
        deed()
    connection.close()


def _end_who_waits(other: Any) -> bool:
    ended = other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks"
        " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    ).fetchall()
    return bool(ended)


def test_a_refund_of_a_task_that_is_gone_is_refused_in_words(past: None) -> None:
    task = tasks_of(old()[0]).filter(status="SUCCESS")[0]
    assert drop()
    with pytest.raises(CommandError, match=rf"there is no task {task.pk} any more: the tasks of"):
        call_command("refund", str(task.pk), memo="bad picture")
    with pytest.raises(CommandError, match=r"there is no task 12$"):
        call_command("refund", "12", memo="bad picture")


def test_a_refund_between_the_drops_is_no_contradiction(past: None) -> None:
    """Somebody has read the task before it went."""
    refunded = Entry.objects.filter(kind="refund").values("reference")
    drawn = tasks_of(old()[-1]).filter(status="SUCCESS")
    # As Task.hold_reference has it: the second hold of a modal has a suffix.
    name = Concat(Cast("pk", TextField()), "hold_suffix", output_field=TextField())
    task = drawn.annotate(name=name).exclude(name__in=refunded)[0]
    assert {why for _, why in drop_tasks()} == {""}
    refunds.refund(task, amount=1, actor="Alice", memo="bad picture")
    assert wrong() == []


def test_a_task_whose_parent_is_gone_is_shown_and_followed(past: None) -> None:
    parent = tasks_of(old()[0])[0]
    child = Task.objects.live().order_by("pk")[0]
    Task.objects.filter(pk=child.pk).update(parent=parent)
    assert {why for _, why in drop()} == {""}
    assert Task.objects.select_related("parent").get(pk=child.pk).parent is None
    assert wrong() == []


def test_copies_of_results_go_with_their_tasks(past: None, settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = settings.STORAGES | {
        "results": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        }
    }
    first, newest = tasks_of(old()[0])[0], Task.objects.latest("pk")
    for task in (first, newest):
        name = storages["results"].save(f"{task.pk}.png", ContentFile(b"png"))
        ResultFile.objects.create(
            task=task, kind="image", number=0, source_url="https://x.example/", name=name,
            state="kept", due_at=None,
        )  # fmt: skip
    ResultFile.objects.create(
        task=first, kind="image", number=1, source_url="https://x.example/", state="given_up",
        due_at=None,
    )  # fmt: skip
    assert results.forget_dropped() == 0
    jobs.drop_old()
    assert [path.name for path in tmp_path.iterdir()] == [f"{newest.pk}.png"]
    assert [file.task_id for file in ResultFile.objects.all()] == [newest.pk]
    assert wrong() == []


def test_a_storage_that_fails_is_asked_again_the_next_time(
    past: None, settings: Any, tmp_path: Path
) -> None:
    task = tasks_of(old()[0])[0]
    ResultFile.objects.create(
        task=task, kind="image", number=0, source_url="https://x.example/", name="../outside.png",
        state="kept", due_at=None,
    )  # fmt: skip
    assert {why for _, why in drop()} == {""}
    assert results.forget_dropped() == 0
    ResultFile.objects.update(name="never-there.png")
    assert results.forget_dropped() == 1


def test_tests_of_hooks_are_forgotten_after_a_while(past: None) -> None:
    tenant = Task.objects.latest("pk").tenant
    for days in (100, 10):
        test = HookTest.objects.create(tenant=tenant, url="https://x.example/", body="{}")
        at = timezone.now() - timedelta(days=days)
        HookTest.objects.filter(pk=test.pk).update(created_at=at)
    jobs.drop_old()
    assert HookTest.objects.count() == 1


# -- Parts for the weeks to come -------------------------------------------------------------------


@pytest.fixture
def without_next_week(past: None, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A table has no part for the coming week: when that begins."""
    monkeypatch.setattr(readiness, "_last", None)
    coming = weeks.of(timezone.now()) + weeks.WEEK
    with connection.cursor() as cursor:
        for monday in mondays(retention.CALLBACKS):
            if monday >= coming:
                cursor.execute(f"DROP TABLE {parts.name_of(retention.CALLBACKS, monday)}")
    return weeks.begin(coming)


def test_that_the_coming_week_has_no_part_is_seen_everywhere(without_next_week: datetime) -> None:
    promise = "every table that is parted by weeks has a part for the coming week"
    assert wrong() == [promise]
    standing = readiness.standing()
    assert standing.is_ready
    assert f"no part for the week of {without_next_week.date()}" in standing.parts
    told = attention.reasons(standing=standing, web_answers=True, queues={}, found=None)
    assert [reason.text for reason in told] == [f"the tables' weekly parts: {standing.parts}"]
    assert _until() == without_next_week


def _until() -> datetime:
    name = "relay_parts_until_timestamp_seconds "
    (line,) = [line for line in metrics.text().decode().splitlines() if line.startswith(name)]
    return datetime.fromtimestamp(float(line.removeprefix(name)), UTC)


@pytest.mark.parametrize("make", [jobs.make_parts, lambda: call_command("migrate", verbosity=0)])
def test_a_missing_part_is_made_by_the_job_and_by_an_upgrade(
    without_next_week: datetime, make: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    assert wrong() == []
    assert readiness.standing().parts == "ok"
    assert _until() == without_next_week + parts.AHEAD * weeks.WEEK


def test_a_gap_before_what_is_there_is_never_made_again(past: None) -> None:
    going = old()
    assert drop()
    jobs.make_parts()
    assert not set(mondays()) & set(going)
