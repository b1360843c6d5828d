"""What can be set when the sandbox starts: one list for the command line and for callers."""

from argparse import ArgumentParser, Namespace
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from typing import Any

from .trueai_versions import NEWEST, VERSIONS


def _option(default: Any, meaning: str, choices: Collection[str] | None = None) -> Any:
    return field(default=default, metadata={"help": meaning, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The field names are the command line's flags: `drawing_seconds` is `--drawing-seconds`."""

    host: str = _option("127.0.0.1", "address to listen on")
    port: int = _option(9000, "port to listen on; 0 lets the system choose a free one")
    secret: str = _option("", "the mj-api-secret that callers must send; empty asks for none")
    drawing_seconds: float = _option(20.0, "from SUBMITTED to SUCCESS, without the wait before it")
    workers: int = _option(3, "drawings at the same time")
    queue_size: int = _option(10, "tasks that may wait for a worker")
    public_url: str = _option("", "address that picture links begin with; empty: http://host:port")
    hang_seconds: float = _option(90.0, "how late zzhang is answered")
    hook_connections: int = _option(10, "hook posts at the same time; 0 sends no hooks at all")
    ended_tasks_kept: int = _option(200_000, "ended tasks remembered; the oldest go first")
    trueai_version: str = _option(NEWEST, "the version that /trueai behaves as", VERSIONS)
    trueai_admin_secret: str = _option("admin", "the token that may do more at /trueai")
    newapi_hooks: bool = _option(False, "let /newapi pass notifyHook on: true or false")

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def picture_address(self) -> str:
        return self.public_url.rstrip("/") or self.address


def add_arguments(parser: ArgumentParser) -> None:
    for option in fields(Options):
        parser.add_argument(
            "--" + option.name.replace("_", "-"),
            type=_true_or_false if isinstance(option.default, bool) else type(option.default),
            choices=option.metadata["choices"],
            default=option.default,
            help=f"{option.metadata['help']} (default: {option.default!r})",
        )


def from_arguments(arguments: Namespace) -> Options:
    return Options(**{option.name: getattr(arguments, option.name) for option in fields(Options)})


def _true_or_false(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"
