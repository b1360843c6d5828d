"""Generations: counters that tell every process that a cached list has changed."""

from django.db import models


class Generation(models.Model):
    """Raised by a trigger on every write to the tables behind `name` ("channels", "prices").

    The counter commits together with the change, and the key check reads it with each request,
    so no process serves a list that was replaced before the request came.
    """

    name = models.CharField(primary_key=True, max_length=32)
    value = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"
