"""Requests counted in the database, for as long as Redis does not."""

from django.db import models


class RateWindow(models.Model):
    """The requests of one subject (a key, a tenant) in the last 60 seconds, by the second."""

    subject = models.CharField(primary_key=True, max_length=64)
    hits = models.JSONField(help_text="Second (since 1970) and number.")
    newest = models.BigIntegerField(help_text="The newest second in it.")

    class Meta:
        # limits.sweep: what counts nothing any more.
        indexes = [models.Index("newest", name="rate_window_by_time")]

    def __str__(self) -> str:
        return self.subject
