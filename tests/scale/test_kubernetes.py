"""deploy/kubernetes: a cluster takes it, and it agrees with compose.yaml and the settings."""

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.scale import composed
from tests.scale.test_compose import OTHERS, settings
from tests.stack import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
# From the oldest that somebody may still have to the newest that the package knows.
VERSIONS = ("1.29", "1.33", "1.37")
IMAGE = "mj-relay"


def kustomization() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    return found


def manifests() -> list[dict[str, Any]]:
    return [
        document
        for name in kustomization()["resources"]
        for document in yaml.safe_load_all((FOLDER / name).read_text())
    ]


def by_kind(kind: str) -> dict[str, dict[str, Any]]:
    found = [one for one in manifests() if one["kind"] == kind]
    return {one["metadata"]["name"]: one for one in found}


def pods() -> dict[str, dict[str, Any]]:
    """The templates of all pods, by who makes them."""
    makers = by_kind("Deployment") | by_kind("Job")
    return {name: maker["spec"]["template"] for name, maker in makers.items()}


def containers() -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, container)
        for name, pod in pods().items()
        for kind in ("initContainers", "containers")
        for container in pod["spec"].get(kind, [])
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cluster_takes_all_of_it(version: str) -> None:
    for manifest in manifests():
        kubernetes_validate.validate(manifest, version, strict=True)


def test_every_file_is_listed_and_every_image_named() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization()["resources"]) == files
    assert [image["name"] for image in kustomization()["images"]] == [IMAGE]
    assert {container["image"] for _, container in containers()} == {IMAGE}


def test_its_pods_have_no_more_rights_than_they_need() -> None:
    """What the namespace's "restricted" demands, and more."""
    for name, pod in pods().items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] == 10001
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    for name, container in containers():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert container["resources"]["limits"]["memory"], name
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
            "/tmp",
            "/var/lib/relay",
        }


def test_secrets_are_named_and_not_there() -> None:
    assert not by_kind("Secret")
    for name, container in containers():
        sources = {
            kind: ref["name"] for source in container["envFrom"] for kind, ref in source.items()
        }
        assert sources == {"configMapRef": "relay", "secretRef": "relay"}, name
    assert not re.search("(SECRET|PASSWORD|TOKEN)[A-Z_]*:", (FOLDER / "settings.yaml").read_text())


def test_what_it_sets_are_settings() -> None:
    names = set(by_kind("ConfigMap")["relay"]["data"])
    names |= {entry["name"] for _, container in containers() for entry in container.get("env", [])}
    assert names <= settings() | OTHERS


def test_its_commands_are_those_of_compose() -> None:
    services = composed.services()
    found = {name: pod["spec"]["containers"][0].get("command") for name, pod in pods().items()}
    assert found.pop("relay-web") is None
    wanted = {
        f"relay-{name}": services[name]["command"] for name in services if f"relay-{name}" in found
    }
    assert found == wanted
    assert len(wanted) == 5


def test_nothing_starts_on_another_schema() -> None:
    for name, deployment in by_kind("Deployment").items():
        (first,) = deployment["spec"]["template"]["spec"]["initContainers"]
        assert first["command"] == ["python", "manage.py", "migrate", "--check"], name


def test_selectors_find_their_pods() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods().items()}
    for name, deployment in by_kind("Deployment").items():
        assert deployment["spec"]["selector"]["matchLabels"] == labels[name]
    assert by_kind("Service")["relay-web"]["spec"]["selector"] == labels["relay-web"]
    budget = by_kind("PodDisruptionBudget")["relay-web"]["spec"]
    assert budget["selector"]["matchLabels"] == labels["relay-web"]
    scaler = by_kind("HorizontalPodAutoscaler")["relay-web"]["spec"]
    assert scaler["scaleTargetRef"]["name"] in by_kind("Deployment")
    assert "replicas" not in by_kind("Deployment")["relay-web"]["spec"]
    # While one is taken away another is there.
    assert scaler["minReplicas"] > budget["minAvailable"]


def test_the_web_is_asked_where_it_answers() -> None:
    web = by_kind("Deployment")["relay-web"]["spec"]["template"]["spec"]["containers"][0]
    paths = {kind: web[kind]["httpGet"]["path"] for kind in ("livenessProbe", "readinessProbe")}
    assert paths == {"livenessProbe": "/healthz", "readinessProbe": "/readyz"}


def test_workers_and_clock_are_asked_as_in_compose() -> None:
    services = composed.services()
    for name, pod in pods().items():
        probe = pod["spec"]["containers"][0].get("livenessProbe", {}).get("exec")
        if probe:
            checked = services[name.removeprefix("relay-")]["healthcheck"]["test"]
            assert ["CMD", *probe["command"]] == checked
