import pytest


@pytest.fixture(autouse=True)
def _on_the_database(database: str) -> None:
    """All of these work on it."""
