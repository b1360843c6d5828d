"""The first counts of a process come from several threads at once."""

import os
import subprocess
import sys
from pathlib import Path

COUNT = """
import sys
from threading import Barrier, Thread

import django

django.setup()
from relay.watch import metrics

sys.setswitchinterval(1e-6)
together = Barrier(16)

def count():
    together.wait()
    metrics.malformed("channel", 1)

threads = [Thread(target=count) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(metrics.text().decode().count('relay_malformed_rows_total{channel="channel"} 16.0'))
"""


def test_the_first_counts_of_many_threads_are_all_kept(database: str, tmp_path: Path) -> None:
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "relay.settings",
        "RELAY_VAR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", COUNT], env=env, capture_output=True, text=True, check=True
    )
    assert "cannot be kept" not in done.stderr, done.stderr
    assert done.stdout.strip() == "1"
