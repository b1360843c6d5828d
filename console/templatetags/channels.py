"""What only the pages of channels show."""

from typing import Any

from django import template

from console.templatetags.console import duration

register = template.Library()


@register.filter
def milliseconds(value: Any) -> str:
    """As `duration` shows seconds."""
    return duration(None if value is None or value == "" else value / 1000)
