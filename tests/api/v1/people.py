"""Accounts of people, for tests."""

from typing import Any

from django.contrib.auth import get_user_model

from tests.api.v1.desk import unique


def new_user(**fields: Any) -> Any:
    name = unique("person")
    users = get_user_model()._default_manager
    return users.create(username=name, email=f"{name}@example.com", **fields)
