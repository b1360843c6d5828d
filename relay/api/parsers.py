"""Request bodies: JSON, and a form with files for one route; bounded before they are read."""

import base64
import codecs
from io import BytesIO
from typing import IO, Any

import orjson
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.parsers import BaseParser

from relay.errors import BodyTooLarge, InvalidRequest

CHUNK_BYTES = 65536
# A body that is too large is read to its end, up to here, so that the client gets to read our
# answer instead of a broken connection.
DISCARD_MAX_BYTES = 256 * 1024 * 1024


class OrjsonParser(BaseParser):
    """Any media type is read as JSON: many clients send JSON under another name or none."""

    media_type = "*/*"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """The JSON object of the body; an empty body is an empty object.

        Raises BodyTooLarge, InvalidRequest.
        """
        # .NET and PowerShell begin their JSON with a byte order mark.
        body = _read(stream).removeprefix(codecs.BOM_UTF8)
        if not body.strip():
            return {}
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise InvalidRequest(f"the body is not valid JSON: {error}") from error
        if not isinstance(data, dict):
            raise InvalidRequest("the body must be a JSON object")
        return data


class _InMemory(MemoryFileUploadHandler):
    """Whatever the size: the body is in memory already, and bounded."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True


class FacesParser(OrjsonParser):
    """A face swap may also come as multipart/form-data, with the pictures as the files `source`
    and `target`; under any other name it is JSON."""

    form = "multipart/form-data"
    files = {"source": "sourceBase64", "target": "targetBase64"}

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """The same object that a JSON body would be. Raises BodyTooLarge, InvalidRequest."""
        if not (media_type or "").strip().lower().startswith(self.form):
            return super().parse(stream, media_type, parser_context)
        body = _read(stream)
        meta = {"CONTENT_TYPE": media_type or "", "CONTENT_LENGTH": str(len(body))}
        try:
            parser = MultiPartParser(meta, BytesIO(body), [_InMemory()], "utf-8")
            fields, files = parser.parse()
        except (MultiPartParserError, SuspiciousOperation) as error:
            raise InvalidRequest(f"the form cannot be read: {error}") from error
        data: dict[str, Any] = dict(fields.items())
        for name, field in self.files.items():
            if (file := files.get(name)) is not None:
                data[field] = base64.b64encode(file.read()).decode()
        return data


def _read(stream: IO[bytes]) -> bytes:
    body = stream.read(settings.BODY_MAX_BYTES + 1)
    if len(body) <= settings.BODY_MAX_BYTES:
        return body
    discarded = 0
    while discarded < DISCARD_MAX_BYTES and (chunk := stream.read(CHUNK_BYTES)):
        discarded += len(chunk)
    raise BodyTooLarge(f"the body is larger than {settings.BODY_MAX_BYTES // 2**20} MB")
