import pytest

from tests.api.v1.desk import Desk, open_desk
from tests.stack import Stack


@pytest.fixture
def desk(stack: Stack) -> Desk:
    """A tenant with 100.00, and management keys of every role."""
    return open_desk(stack)


@pytest.fixture(scope="module")
def shared_desk(stack: Stack) -> Desk:
    """The same for tests that change nothing in it."""
    return open_desk(stack)
