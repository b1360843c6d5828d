"""The file itself: a tar of members, then their sums, then the sum of those.

What is written last proves that all before it is there. Members are written as they come, so that
no second copy of a database lies on the disk; a member's head, which tells its size, is written
anew after it.
"""

import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from relay.backups.errors import Damaged, Refused

MANIFEST = "manifest.json"
SEAL = "manifest.sha256"
BLOCK = 512
COPY_BYTES = 1024 * 1024
MODE = 0o600


class Member(NamedTuple):
    name: str
    size: int
    sha256: str


class Writer:
    """Appends members to a file that is open for writing."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._made_at = int(time.time())

    def add(self, name: str, source: IO[bytes]) -> Member:
        """All that `source` has to say."""
        head = self._file.tell()
        self._file.write(self._head(name, 0))
        digest, size = hashlib.sha256(), 0
        while chunk := source.read(COPY_BYTES):
            digest.update(chunk)
            size += self._file.write(chunk)
        self._file.write(bytes(-size % BLOCK))
        end = self._file.tell()
        self._file.seek(head)
        self._file.write(self._head(name, size))
        self._file.seek(end)
        return Member(name, size, digest.hexdigest())

    def seal(self, manifest: Mapping[str, Any]) -> None:
        """The last thing to do."""
        text = json.dumps(manifest, indent=1).encode() + b"\n"
        sealed = self.add(MANIFEST, io.BytesIO(text))
        self.add(SEAL, io.BytesIO(f"{sealed.sha256}  {MANIFEST}\n".encode()))
        self._file.write(bytes(2 * BLOCK))

    def _head(self, name: str, size: int) -> bytes:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, MODE, self._made_at
        # One block, however large the member is; our names fit into it.
        head = info.tobuf(tarfile.GNU_FORMAT)
        if len(head) != BLOCK:
            raise Refused(f"{name} is too long a name for the archive")
        return head


class Reader:
    """An archive that is open for reading. Raises Damaged where something is not as written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        try:
            self._tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115  as long as its file
            self._infos = {info.name: info for info in self._tar.getmembers()}
        except (tarfile.TarError, OSError, EOFError, ValueError) as error:
            raise Damaged(f"it is no backup, or its end is missing ({error})") from error
        self.manifest = self._manifest()

    def open(self, name: str) -> IO[bytes]:
        info = self._infos.get(name)
        found = self._tar.extractfile(info) if info is not None else None
        if found is None:
            raise Damaged(f"{name} is missing in it")
        return found

    def check(self, member: Member) -> None:
        """Reads it to its end."""
        digest, size = hashlib.sha256(), 0
        with self.open(member.name) as source, _readable(member.name):
            while chunk := source.read(COPY_BYTES):
                digest.update(chunk)
                size += len(chunk)
        if (size, digest.hexdigest()) != (member.size, member.sha256):
            raise Damaged(f"{member.name} is not as it was written")

    def names(self) -> set[str]:
        return set(self._infos)

    def _manifest(self) -> dict[str, Any]:
        with self.open(MANIFEST) as file, _readable(MANIFEST):
            text = file.read()
        with self.open(SEAL) as file, _readable(SEAL):
            seal = file.read().split()
        if not seal or seal[0].decode(errors="replace") != hashlib.sha256(text).hexdigest():
            raise Damaged(f"{MANIFEST} is not as it was written")
        try:
            found = json.loads(text)
        except ValueError as error:
            raise Damaged(f"{MANIFEST} cannot be read ({error})") from error
        if not isinstance(found, dict):
            raise Damaged(f"{MANIFEST} is none of ours")
        return found


@contextmanager
def new(path: Path) -> Iterator[Writer]:
    """A file of this name that appears whole or not at all, on the disk and for its owner only.

    Raises Refused where it is already, or cannot be written.
    """
    if path.exists():
        raise Refused(f"{path} is there already")
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise Refused(f"{path.parent}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield Writer(file)
            file.flush()
            os.fsync(file.fileno())
        # (mkstemp has made it with 0600.)
        os.rename(draft, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}; nothing is left of it") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, OSError, EOFError) as error:
        raise Damaged(f"{name} cannot be read ({error})") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
