"""The tables are as the models say."""

import pytest
from django.apps import apps
from django.db import connection

APPS = ("billing", "channels", "common", "console", "relay")


@pytest.mark.usefixtures("database")
def test_every_index_and_constraint_of_a_model_is_in_the_database() -> None:
    """Migrations have dropped one that was never named: Django had looked for its column."""
    declared = {
        (model._meta.db_table, each.name)
        for model in apps.get_models()
        if model._meta.app_label in APPS and model._meta.managed
        for each in (*model._meta.indexes, *model._meta.constraints)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename, indexname FROM pg_indexes UNION "
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
        )
        found = set(cursor.fetchall())
    assert len(declared) > 50
    assert declared - found == set()
