"""PostgreSQL refuses to run as root: whom it runs as instead, and how."""

import os
import pwd
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from relay.up.errors import Refusal

UNPRIVILEGED_USERS = ("postgres", "nobody")


def server_user() -> pwd.struct_passwd | None:
    """The user PostgreSQL must run as; None when it is the one we are."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise Refusal("PostgreSQL does not run as root, and there is no user postgres or nobody.")


def prefix(folder: Path) -> list[str]:
    """What to put before a command that runs as `server_user` with access to the folder.

    The project may lie where that user cannot go, such as /root. Nobody's folders are opened for
    it; setpriv leaves it the one capability that passes closed doors.
    """
    user = server_user()
    if user is None:
        return []
    for candidate in (_setpriv(user), _plain(user)):
        if candidate and _can_enter(folder, candidate):
            return candidate
    raise Refusal(
        f"PostgreSQL does not run as root, and the user {user.pw_name} cannot enter {folder}: "
        "install setpriv (util-linux), run as an ordinary user, or set DATABASE_URL."
    )


def give(path: Path) -> None:
    """Makes the server's user the owner of a folder of ours."""
    user = server_user()
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)


def _setpriv(user: pwd.struct_passwd) -> list[str]:
    program = shutil.which("setpriv")
    if not program:
        return []
    return [
        program,
        # Without this bit access(2), which initdb asks, leaves capabilities out.
        "--securebits=+no_setuid_fixup",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
    ]


def _plain(user: pwd.struct_passwd) -> list[str]:
    become = (
        "import os, sys; os.setgroups([]); os.setgid(int(sys.argv[1])); "
        "os.setuid(int(sys.argv[2])); os.execv(sys.argv[3], sys.argv[3:])"
    )
    return [sys.executable, "-S", "-c", become, str(user.pw_gid), str(user.pw_uid)]


def _can_enter(folder: Path, candidate: list[str]) -> bool:
    test = shutil.which("test") or "/usr/bin/test"
    done = subprocess.run([*candidate, test, "-x", str(folder)], capture_output=True, check=False)
    return done.returncode == 0
