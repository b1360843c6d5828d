"""Every page and list asks the database a bounded number of questions, whatever there is."""

from collections.abc import Iterator

import pytest

from bench import addresses, visitors
from bench.console import Measured, measure
from bench.seed import seed
from bench.statements import REPEATS_MAX, recorded, without_index
from billing.models import Tenant, Token
from common import sql
from relay.models import Task
from tests.faults.servers import own_database

WAYS_MAX = 9
# Parameters for which a seeded past has nothing; each is of one object, and of no list.
WITHOUT = (
    "management_key_id", "notice_id",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(database: str) -> Iterator[tuple[list[Measured], list[str]]]:
    """All that there is, asked once in each way: of lists that are longer than a page."""
    with own_database(database):
        seed(tasks=1500, tenants=6, channels=3, live=60, modal_share=0.3, refund_share=0.2)
        visitors.forget()
        yield measure(times=0, ways_max=WAYS_MAX, plans=without_index)
        visitors.forget()


def test_every_page_and_list_is_asked(found: tuple[list[Measured], list[str]]) -> None:
    measured, unknown = found
    asked = {each.page for each in measured}
    assert {
        "api/v1/tasks",
        "api/v1/tenants/<int:tenant_id>/entries",
        "api/v1/reports",
        "console/tenants/<int:tenant_id>/keys/",
    } <= asked
    forgotten = [
        pattern
        for pattern in unknown
        if pattern.startswith("console/") or "tenants/<int:tenant_id>/" in pattern
        if not any(f":{name}>" in pattern for name in WITHOUT)
    ]
    assert forgotten == []


def test_nothing_fails_or_asks_for_each_row_or_reads_a_big_table_whole(
    found: tuple[list[Measured], list[str]],
) -> None:
    measured, _ = found
    assert [f"{each.path}: {text}" for each in measured for text in each.faults] == []


def test_lists_are_asked_with_their_filters_and_page_after_page(
    found: tuple[list[Measured], list[str]],
) -> None:
    ways = {each.path.partition("?")[2] for each in found[0] if each.page == "api/v1/tasks"}
    assert {"status=NOT_START", "status=MODAL"} <= ways
    assert any(way.startswith("after=") for way in ways)


def test_a_question_for_each_row_is_noticed(unseen: None) -> None:
    with recorded() as recorder:
        for _ in range(REPEATS_MAX + 1):
            sql.fetch_all("SELECT id FROM billing_tenant WHERE id = 1")
    (fault,) = recorder.faults()
    assert fault.startswith(f"{REPEATS_MAX + 1} times: SELECT id FROM billing_tenant")


def test_a_count_of_a_big_table_is_noticed(unseen: None) -> None:
    with recorded() as recorder:
        Task.objects.filter(status="SUCCESS").count()
        Tenant.objects.count()
    (fault,) = recorder.faults()
    assert fault.startswith("counts a big table: ")
    assert "relay_task" in fault


def test_a_question_without_an_index_is_noticed_however_few_rows_there_are(
    found: tuple[list[Measured], list[str]],
) -> None:
    ids = Task.objects.values_list("pk")
    with recorded() as recorder:
        list(ids.filter(prompt="cat"))
        list(ids.order_by("prompt")[:10])
        list(ids.order_by("-pk")[:10])
        list(ids.filter(tenant_id=1).order_by("-pk")[:10])
    by_order, by_prompt = sorted(
        without_index(recorder.statements), key=lambda text: "WHERE" in text
    )
    assert ("ORDER BY" in by_order, "WHERE" in by_prompt) == (True, True)
    assert " of relay_task without a condition" in by_prompt


def test_a_search_within_texts_of_a_big_table_is_noticed(unseen: None) -> None:
    with recorded() as recorder:
        list(Task.objects.filter(prompt__contains="cat"))
        list(Task.objects.filter(prompt__startswith="cat"))
        list(Token.objects.filter(name__icontains="cat"))
    (fault,) = recorder.faults()
    assert fault.startswith("LIKE '%…': ")


def test_addresses_are_made_of_every_pattern() -> None:
    made, unknown = addresses.all_of({"tenant_id": 7, "task_id": 8})
    assert {len(made) + len(unknown)} == {len(addresses.patterns())}
    paths = {address.template: address.path for address in made}
    assert paths["api/v1/tenants/<int:tenant_id>/tasks/<int:task_id>"] == (
        "/api/v1/tenants/7/tasks/8"
    )
    assert "api/v1/channels/<int:channel_id>" in unknown
