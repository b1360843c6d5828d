"""A tenant's account for a period, to read or as a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import override

from billing import periods, statement_files, statement_tables, statements
from billing.errors import EntriesGone
from billing.models import Tenant
from billing.statements import Statement
from common import languages, text_tables


class Command(BaseCommand):
    help = "Shows a tenant's account for a period: opening balance, entries, closing balance."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant")
        parser.add_argument("first", metavar="from", help="the first day (UTC), like 2026-01-01")
        parser.add_argument("last", metavar="to", help="the last day, like 2026-01-31")
        parser.add_argument(
            "--format",
            choices=("text", *statement_files.FORMATS),
            default="text",
            help="csv and pdf are the sums, entries is a CSV of every line",
        )
        parser.add_argument(
            "--language",
            choices=[code for code, _ in settings.LANGUAGES],
            help="of text and pdf (SITE_LANGUAGE)",
        )
        parser.add_argument("-o", "--output", help="a file to write; needed for pdf")

    def handle(
        self,
        *args: Any,
        tenant: str,
        first: str,
        last: str,
        format: str,
        language: str | None,
        output: str | None,
        **options: Any,
    ) -> None:
        owner = Tenant.objects.filter(name=tenant).first()
        if owner is None:
            raise CommandError(f"there is no tenant {tenant}")
        try:
            period = periods.parse(first, last)
        except ValueError as error:
            raise CommandError(str(error)) from error
        if format == "pdf" and output is None:
            raise CommandError("a pdf needs a file to go to: -o statement.pdf")
        if format == "text":
            with override(language or languages.of_site()):
                told = list(_text(statements.statement(tenant_id=owner.pk, period=period)))
            pieces = iter(told)
        else:
            try:
                pieces = statement_files.make(
                    format=format, tenant_id=owner.pk, period=period, language=language or ""
                ).pieces
            except EntriesGone as error:
                raise CommandError(str(error)) from error
        self._write(pieces, output)

    def _write(self, pieces: Iterator[bytes], output: str | None) -> None:
        if output is None:
            for piece in pieces:
                self.stdout.write(piece.decode(), ending="")
            return
        try:
            with Path(output).open("wb") as file:
                file.writelines(pieces)
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}") from error
        self.stdout.write(f"written to {output}")


def _text(statement: Statement) -> Iterator[bytes]:
    for name, value in statement_tables.facts(statement):
        yield f"{name:10}{value}\n".encode()
    for table in statement_tables.tables(statement):
        rows = [table.columns, *table.rows, table.total]
        yield f"\n{table.title}\n".encode()
        yield "".join(f"  {line}\n" for line in text_tables.lines(rows, names=table.names)).encode()
