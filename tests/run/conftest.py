import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first: at the end one worker would wait for the other."""
    items.sort(key=lambda item: item.path.name != "test_life.py")
