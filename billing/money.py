"""Money as billing's own modules know it: all of common/money.py."""

from common.money import LARGEST, MICRO_HELP, UNIT, text, to_micro, to_units

__all__ = ["LARGEST", "MICRO_HELP", "UNIT", "text", "to_micro", "to_units"]
