"""Runs the sandbox upstream."""

from argparse import Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from channels.sandbox.options import add_arguments, from_arguments
from channels.sandbox.server import run


class Command(BaseCommand):
    help = "Runs a real HTTP upstream that draws real pictures; words in the prompt steer it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        run(from_arguments(Namespace(**options)))
