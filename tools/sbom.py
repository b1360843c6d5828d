"""The list of all that is other people's, in CycloneDX: `.venv/bin/python -m tools.sbom FILE`.

The packages that requirements*.txt install where the relay runs, with their hashes, and the files
that its pages load (console/static/vendor/README.md).
"""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "console" / "static" / "vendor"
INSTALLED = ("requirements.txt", "requirements-embedded.txt", "requirements-s3.txt")
_ROW = re.compile(r"^\| (?P<files>`[^|]*) \| [^|]* \| (?P<version>[\d.]+) \|")
_PACKAGE = re.compile(r"npm `(?P<name>[^`]+)`")


def main(path: str) -> None:
    bills = [packages(name) for name in INSTALLED]
    # The same package stands in several of them, in the same version.
    parts = {part["purl"]: part for bill in bills for part in bill["components"]}
    for purl, part in parts.items():
        part["bom-ref"] = purl
        # The line of the file, with all hashes, which it has anyway.
        del part["description"]
    bill = bills[0]
    bill["components"] = [*parts.values(), *vendored()]
    # Which package wants which other one, these files do not say.
    bill.pop("dependencies", None)
    Path(path).write_text(json.dumps(bill, indent=1, ensure_ascii=False) + "\n")
    print(f"{path}: {len(bill['components'])} components")


def packages(name: str) -> dict[str, Any]:
    """What a file of requirements pins, as cyclonedx-py tells it."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), str(ROOT / name)]
    # Without a home folder's settings in it: an index may have a password in its address.
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def vendored() -> list[dict[str, Any]]:
    """The files that pages load, as the table tells where they are from."""
    found = []
    for line in (VENDOR / "README.md").read_text().splitlines():
        row, package = _ROW.match(line), _PACKAGE.search(line)
        if row and package:
            files = [name for name in re.findall(r"`([^`]+)`", row["files"]) if "/" in name]
            found += [_file(name, package["name"], row["version"]) for name in files]
    return found


def _file(name: str, package: str, version: str) -> dict[str, Any]:
    purl = f"pkg:npm/{package.replace('@', '%40')}@{version}"
    digest = hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()
    return {
        "type": "file",
        "bom-ref": f"vendor/{name}",
        "name": f"console/static/vendor/{name}",
        "version": version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


if __name__ == "__main__":
    main(sys.argv[1])
