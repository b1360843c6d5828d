"""Django's S3 storage with time-outs: botocore's own let a silent server hold a job for minutes."""

from typing import Any

from botocore.config import Config
from django.conf import settings
from storages.backends.s3 import S3Storage

CONNECT_SECONDS = 5
# Of one call; results.py tries again later.
TRIES = 2


class BoundedS3Storage(S3Storage):
    """What RESULTS_STORAGE means by `storages.backends.s3.S3Storage`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        config: Config = self.client_config  # type: ignore[has-type]
        self.client_config = config.merge(
            Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=settings.PICTURE_TIMEOUT_SECONDS,
                retries={"total_max_attempts": TRIES},
            )
        )
