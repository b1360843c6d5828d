"""What stands in addresses and headers."""

from typing import NamedTuple

from relay.api.docs import LANGUAGES
from relay.api.schema.bodies import Schema


class Parameter(NamedTuple):
    name: str
    location: str
    text: str
    schema: Schema
    required: bool = False


COUNT = {"type": "integer", "minimum": 0, "maximum": 99}

TASK_ID = Parameter("task_id", "path", "task_id", {"type": "string", "pattern": "^[0-9]{1,16}$"})
VIDEO_NUMBER = Parameter("number", "path", "video_number", COUNT)
HINT = Parameter("word", "path", "hint", {"type": "string", "pattern": "^[A-Za-z0-9._-]+$"})
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "idempotency_key",
    {"type": "string", "minLength": 1, "maxLength": 255},
)
SIGNATURE = Parameter("sig", "query", "sig", {"type": "string"}, required=True)
IMAGE_NUMBER = Parameter("n", "query", "image_number", COUNT)
IMAGE_VERSION = Parameter("v", "query", "image_version", {"type": "integer"})
LANGUAGE = Parameter("lang", "query", "lang", {"type": "string", "enum": list(LANGUAGES)})
DATES = (
    Parameter("start_date", "query", "date", {"type": "string"}),
    Parameter("end_date", "query", "date", {"type": "string"}),
)
