"""How fast the relay is, beside what limits it on the same machine in the same run: `make bench`.

Prints one table and writes one JSON file (docs/bench.md). A figure that is missed does not end the
run; the status is 1 only when something is broken: errors, or books that are not right.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from bench import load, place

JSON = place.ROOT / "var" / "bench.json"


def main() -> int:
    wishes = _arguments()
    load.program()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    cores = place.pin(wishes.cores)
    place.allow_files()
    os.environ.setdefault("WEB_WORKERS", str(len(cores)))
    with place.open_place() as here:
        # Needs Django, which needs the place.
        from bench.run import run

        return run(here, wishes, cores)


def _arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="these cases: a,b,d")
    parser.add_argument("--seconds", type=float, default=20, help="how long each is measured")
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--slow-clients", type=int, default=2000, help="at once, of case c")
    parser.add_argument("--json", type=Path, default=JSON, help="where all figures are written")
    cores = int(os.environ.get("BENCH_CORES") or 2)
    parser.add_argument("--cores", type=int, default=cores, help="by default BENCH_CORES, or 2")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
