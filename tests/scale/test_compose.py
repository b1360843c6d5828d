"""compose.yaml and Dockerfile as they are written; tests/scale/test_commands.py runs it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from relay.serving import broker
from relay.up import programs
from tests.scale import composed
from tests.scale.composed import Missing
from tests.stack import ROOT

SETTING = re.compile(r'env\.\w+\(\s*"(\w+)"')
# Of programs that are not ours, or of gunicorn.
OTHERS = {"WEB_CONCURRENCY"}
# What only Compose reads.
OF_COMPOSE = {
    "DATABASE_HOST", "DIRECT_DATABASE_URL", "PGBOUNCER_POOL_SIZE", "POSTGRES_PASSWORD",
    "RABBITMQ_PASSWORD", "REDIS_PASSWORD", "RELAY_IMAGE", "WEB_REPLICAS", "WEB_WORKERS",
}  # fmt: skip


def settings() -> set[str]:
    return set(SETTING.findall((ROOT / "relay/settings.py").read_text()))


def test_it_is_what_compose_reads() -> None:
    program = Path(sys.executable).parent / "check-jsonschema"
    command = [program, "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", composed.REQUIRED)
def test_without_a_secret_nothing_starts(name: str) -> None:
    env = {key: value for key, value in composed.REQUIRED.items() if key != name}
    with pytest.raises(Missing, match=name):
        composed.services(env)


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "compose.yaml").read_text()
    secret = {name for name in composed.variables() if re.search("PASSWORD|SECRET|TOKEN", name)}
    assert secret == {*composed.SECRETS, "RABBITMQ_PASSWORD"}
    assert not [name for name in secret if re.search(rf"\{{{name}:?-[^}}]", text)]


def test_what_it_sets_are_settings() -> None:
    for name, service in composed.ours().items():
        assert set(service["environment"]) <= settings() | OTHERS, name
    assert composed.variables() - settings() == OF_COMPOSE


def test_every_service_is_contained() -> None:
    for name, service in composed.services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        is_short = service["restart"] == "no"
        assert is_short or {"cpus", "memory", "pids"} == set(limits), name
        assert is_short or service["restart"] == "unless-stopped", name
        assert "ports" not in service or name == "proxy"
        checked = service.get("healthcheck") or name == "pgbouncer"  # its image has one
        assert checked, name


def test_every_queue_has_workers_and_there_is_one_clock() -> None:
    commands = {
        name: service["command"]
        for name, service in composed.ours().items()
        if "command" in service
    }
    queues = [
        word.partition("=")[2]
        for words in commands.values()
        for word in words
        if "--queues" in word
    ]
    assert sorted(queues) == sorted(broker.QUEUES)
    assert [name for name, words in commands.items() if "beat" in words] == ["beat"]
    assert composed.services()["beat"]["deploy"]["replicas"] == 1


def test_volumes_and_networks_are_declared() -> None:
    document = yaml.safe_load((ROOT / "compose.yaml").read_text())
    used_networks, used_volumes = set(), set()
    for service in document["services"].values():
        used_networks |= set(service["networks"])
        sources = [volume.partition(":")[0] for volume in service.get("volumes", [])]
        used_volumes |= {source for source in sources if not source.startswith(".")}
        assert all((ROOT / source).exists() for source in sources if source.startswith("."))
    assert used_networks == set(document["networks"])
    assert used_volumes == set(document["volumes"])


def image_command() -> list[str]:
    """The Dockerfile's CMD, the last one."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return json.loads(re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)[-1])


def test_the_image_runs_as_nobody_in_particular_and_is_looked_at() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    last = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]
    said = {line.partition(" ")[0]: line.partition(" ")[2] for line in last if line[:1].isupper()}
    assert said["USER"] == "10001:10001"
    assert said["STOPSIGNAL"] == "SIGTERM"
    assert "HEALTHCHECK" in said
    assert said["VOLUME"] == "/var/lib/relay"
    # Nothing comes from the network but what requirements*.txt pin.
    fetching = [line for line in lines if re.search("curl|wget|ADD |apt-get", line)]
    assert not fetching


def test_its_commands_are_those_of_make_run(tmp_path: Path) -> None:
    """With the same options, but for where to listen and how long a stop may take."""
    run = {
        program.name: program.command[1:]
        for program in programs.app(host="h", port=1, var=tmp_path)
    }
    services = composed.ours()
    assert options(image_command()[1:]) - {"--worker-tmp-dir"} == options(run["web"]) - {
        "--bind",
        "--workers",
    }
    for queue in ("poll", "deliver", "default"):
        assert options(services[f"worker-{queue}"]["command"][1:]) == options(run["worker"])
    assert options(services["beat"]["command"][1:]) == options(run["beat"])
    assert options(services["sandbox"]["command"][1:]) >= options(run["sandbox"])


def options(command: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in command if word.startswith("--")}
