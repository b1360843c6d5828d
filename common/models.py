"""What all parts share: generations, which tell every process that a cached list has changed, and
pulses, which tell who has worked when."""

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


class Pulse(models.Model):
    """When a kind of work was last done (common/pulses.py): one sees what stands still."""

    name = models.CharField(primary_key=True, max_length=32)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"
