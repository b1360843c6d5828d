"""Every page of a tenant takes every value of fuzzing.VALUES, in its address and in its forms,
without a failure of ours."""

from collections.abc import Iterator

import pytest

from tests.console import fuzzing
from tests.console.town import Town

PLACES = [place for place in fuzzing.pages() if place.is_of_tenant]


@pytest.fixture(scope="module")
def town(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    del database
    with fuzzing.town(tmp_path_factory.mktemp("town")) as made:
        yield made


@pytest.mark.parametrize("number", range(len(PLACES)), ids=[place.name for place in PLACES])
def test_a_page_takes_every_value(town: Town, number: int) -> None:
    fuzzing.fuzz(town, "owner", PLACES[number], number)


@pytest.mark.parametrize("number", range(len(PLACES)), ids=[place.name for place in PLACES])
def test_an_address_takes_every_value_of_the_staff_too(town: Town, number: int) -> None:
    fuzzing.ask(town, "operator", PLACES[number], number)
