"""Known vulnerabilities in what requirements-dev.txt names, which is all that is ever installed.

    .venv/bin/python -m tools.audit

Ends with 1 when one is known. Without the network nobody knows: then it says so and ends with 0.
AUDIT_OSV_URL asks a mirror of osv.dev instead of the index of packages.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "requirements-dev.txt"
SECONDS = 90


def main() -> int:
    done = run()
    try:
        packages = json.loads(done.stdout)["dependencies"] if done else []
    except (ValueError, KeyError):
        packages = []
    if not packages:
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1] if done else "too slow"
        print(f"pip-audit: NOTHING WAS AUDITED, the advisories cannot be asked: {reason}")
        return 0
    return told(packages)


def run() -> subprocess.CompletedProcess[str] | None:
    """None when it does not come to an end."""
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"]
    # What the file names is all there is: nothing need be resolved.
    command += ["--disable-pip", "--require-hashes", "--timeout=10", f"--requirement={FILE}"]
    if mirror := os.environ.get("AUDIT_OSV_URL"):
        command += ["--vulnerability-service=osv", f"--osv-url={mirror}"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None


def told(packages: list[dict[str, Any]]) -> int:
    """Prints what was found; the exit status."""
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if unknown:
        print(f"pip-audit: NOT AUDITED, {len(unknown)} of {len(packages)} packages: ", end="")
        print("the index says nothing about them (a mirror without advisories?)")
    found = [(package, wrong) for package in packages for wrong in package.get("vulns", ())]
    for package, wrong in found:
        mended = ", ".join(wrong["fix_versions"]) or "nothing yet"
        print(f"{package['name']} {package['version']}: {wrong['id']}, mended by {mended}")
    print(
        f"pip-audit: {len(found)} known vulnerabilities in {len(packages) - len(unknown)} packages"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
