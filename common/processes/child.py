"""Becomes a program after leaving a record of itself.

`python -m common.processes.child RECORDS PARENT NAME program arguments...`
Standard library only, and run with -S: it stands before every start and restart.
"""

import os
import sys
from pathlib import Path

from common.processes.records import Records


def main(folder: str, parent: str, name: str, *command: str) -> None:
    records = Records(Path(folder))
    # Orphans of an earlier life (web workers whose master was killed) hold the port.
    records.kill(name)
    records.write_own(name)
    if os.getppid() != records.pid(parent):
        # The parent died before it could be seen; nobody would ever stop this program.
        sys.exit(f"{name}: the process that started it is gone")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
