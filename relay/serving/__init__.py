"""Processes: which of several has its turn, whether one lives, when one stops."""
