"""What stands in docker/ fits together: one image, roles that exist, manifests that a cluster takes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from scaiflow import env
from scaiflow.sandbox.config import Config
from tests.loopback import Service, Told, serving

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
MANIFESTS: dict[str, dict[str, Any]] = {
    f"{path.name} {document['kind']} {document['metadata']['name']}": document
    for path in sorted((DOCKER / "k8s").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
}
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
ROLES = set(re.findall(r"^  ([a-z]+)\)", (DOCKER / "entrypoint.sh").read_text(), re.MULTILINE))


def test_every_role_is_in_compose_and_all_of_them_are_one_image() -> None:
    assert set(OURS) == {"init", "web", "sync", "worker", "beat", "sandbox"}
    assert {service["image"] for service in OURS.values()} == {"${SCAIFLOW_IMAGE:-scaiflow:local}"}
    assert {service["command"][0] for service in OURS.values()} <= ROLES
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


def compose(*arguments: str) -> str:
    """What the client says of the file, all profiles in it; it comes in a wheel, so it is on every machine."""
    given = os.environ | {"POSTGRES_PASSWORD": "x", "S3_SECRET_KEY": "x" * 8}
    given.pop("SCAIFLOW_IMAGE", None)
    client = [
        str(Path(sys.executable).with_name("docker-compose")),
        "-f",
        "docker/compose.yaml",
        "--profile",
        "sandbox",
    ]
    told = subprocess.run([*client, *arguments], cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_the_client_takes_the_compose_file_and_makes_of_it_what_is_written() -> None:
    made = json.loads(compose("config", "--format", "json"))["services"]
    assert set(made) == set(COMPOSE["services"])
    for name in OURS:
        assert made[name]["command"] == COMPOSE["services"][name]["command"]
        assert (made[name]["read_only"], made[name]["cap_drop"]) == (True, ["ALL"])
    assert made["web"]["environment"]["SCAIFLOW_DB_URL"] == "postgres://scaiflow:x@postgres:5432/scaiflow"
    assert made["sync"]["stop_grace_period"] == "40s"


def test_what_the_documents_set_for_the_sandbox_leads_to_the_one_that_compose_starts() -> None:
    text = (ROOT / "docs/operating.md").read_text()
    told = dict(re.findall(r"^((?:SCAI|SANDBOX)[A-Z_]+)=(\S+)$", text, re.MULTILINE))
    sandbox = json.loads(compose("config", "--format", "json"))["services"]["sandbox"]
    assert told["SCAIKEY_BASE_URL"] == told["SCAIGRID_BASE_URL"] == sandbox["environment"]["SANDBOX_PUBLIC_URL"]
    name, port = sandbox["environment"]["SANDBOX_PUBLIC_URL"].removeprefix("http://").split(":")
    assert name in sandbox["networks"]["default"]["aliases"]
    assert [(one["host_ip"], one["published"], str(one["target"])) for one in sandbox["ports"]] == [
        ("127.0.0.1", port, port)
    ]
    assert sandbox["command"][sandbox["command"].index("--port") + 1] == port
    assert (told["SCAIFLOW_SCAIKEY_CLIENT_ID"], told["SCAIFLOW_SCAIKEY_CLIENT_SECRET"]) == (
        Config.client_id, Config.client_secret,
    )  # fmt: skip
    assert set(told) <= set(env.SEEN)


def test_compose_starts_the_image_that_ci_builds() -> None:
    """The name that CI's script gives to what it makes and starts is the one that compose starts, for each of ours."""
    script = (ROOT / ".ci/image").read_text()
    built = set(re.findall(r"^IMAGE=(\S+)$", script, re.MULTILINE))
    assert re.findall(r"docker build --file docker/Dockerfile --tag (\S+)", script) == ['"$IMAGE"']
    assert re.findall(r"^build (\S+)$", script, re.MULTILINE) == ['"$IMAGE"', '"$IMAGE-again"']
    made = json.loads(compose("config", "--format", "json"))["services"]
    assert {made[name]["image"] for name in OURS} == built
    assert {made[name]["build"]["dockerfile"] for name in OURS} == {"docker/Dockerfile"}
    assert built <= set(compose("config", "--images").split())
    assert "--file docker/compose.yaml" in script


def test_the_dockerfile_passes_its_linter() -> None:
    linter = [str(Path(sys.executable).with_name("hadolint")), "--failure-threshold", "style", "docker/Dockerfile"]
    told = subprocess.run(linter, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("service", ["web", "sync", "worker", "beat"])
def test_the_images_own_health_check_asks_about_the_role_that_the_container_runs(tmp_path: Path, service: str) -> None:
    """Neither knows what the other was told: the check is started beside the process, in the container's environment."""
    (tmp_path / "python").symlink_to("/bin/true")  # the server itself is tried in test_roles.py
    dockerfile = (DOCKER / "Dockerfile").read_text()
    given = dict(re.findall(r"(SCAIFLOW_[A-Z_]+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", dockerfile, re.MULTILINE))))
    given |= {name: str(value) for name, value in OURS[service]["environment"].items()}
    env = given | {"TMPDIR": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    for command in (OURS[service]["command"], ["manage", "check"]):  # the second is what an operator asks for beside it
        subprocess.run(["sh", "docker/entrypoint.sh", *command], cwd=ROOT, env=env, check=True)
    (asked,) = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", dockerfile, re.MULTILINE)
    assert is_well(json.loads(asked), env | {"PORT": "9"}) is False
    if service in {"web", "sync"}:
        with serving(Service().on("GET", "/readyz", Told(200, {}))) as there:
            assert is_well(json.loads(asked), env | {"PORT": there.url.rpartition(":")[2]})
    else:
        (tmp_path / f"scaiflow-{service}.alive").touch()
        assert is_well(json.loads(asked), env | {"PORT": "9"})


def is_well(asked: list[str], env: dict[str, str]) -> bool:
    command = [sys.executable if word == "python" else word for word in asked]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False).returncode == 0


def test_compose_waits_for_what_it_needs() -> None:
    assert OURS["init"]["depends_on"].keys() == {"postgres", "redis", "s3"}
    for role in ("web", "sync", "worker", "beat"):
        assert OURS[role]["depends_on"] == {"init": {"condition": "service_completed_successfully"}}


def test_a_workers_counts_can_be_read_from_the_inside_and_from_nowhere_else() -> None:
    """Without them the dashboard's panels about jobs and steps stay empty."""
    assert OURS["worker"]["environment"]["SCAIFLOW_WORKER_METRICS_PORT"] == "8002"
    assert set(OURS["worker"]["environment"]) > set(OURS["web"]["environment"])
    assert "ports" not in OURS["worker"]
    (worker,) = [pod["containers"][0] for pod in pods() if pod["containers"][0]["name"] == "worker"]
    assert {"name": "SCAIFLOW_WORKER_METRICS_PORT", "value": "8002"} in worker["env"]
    (policy,) = [one for one in MANIFESTS.values() if one["kind"] == "NetworkPolicy"]
    (rule,) = [one for one in policy["spec"]["ingress"] if one["ports"] == [{"port": 8002, "protocol": "TCP"}]]
    assert [one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for one in rule["from"]] == [
        "monitoring"
    ]


def test_every_variable_that_is_set_is_one_that_is_read() -> None:
    told = set(OURS["web"]["environment"]) | set(OURS["worker"]["environment"])
    for document in MANIFESTS.values():
        told |= set(document.get("data", {})) | set(document.get("stringData", {}))
    assert {name for name in told if name.startswith("SCAI")} <= set(env.SEEN)


@pytest.mark.parametrize("document", MANIFESTS.values(), ids=MANIFESTS)
def test_a_cluster_takes_the_manifest(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, "1.34", strict=True)


def pods() -> list[dict[str, Any]]:
    return [one["spec"]["template"]["spec"] for one in MANIFESTS.values() if one["kind"] in {"Deployment", "Job"}]


def test_every_pod_is_the_same_image_in_a_role_without_rights() -> None:
    assert len(pods()) == 5
    for pod in pods():
        (container,) = pod["containers"]
        assert container["image"] == "scaiflow:local"
        assert container["args"][0] in ROLES
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["resources"]["limits"]["memory"]


def test_the_image_runs_as_nobody_in_particular_and_is_watched() -> None:
    lines = (DOCKER / "Dockerfile").read_text()
    assert re.search(r"^USER 10001", lines, re.MULTILINE)
    assert "HEALTHCHECK" in lines
    assert "--require-hashes" in lines
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", lines, re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split()), copied


def test_the_lock_holds_every_requirement_as_it_is_pinned() -> None:
    locked = dict(
        re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", (DOCKER / "requirements.lock").read_text(), re.MULTILINE)
    )
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = re.sub(r"\[.*\]", "", line).lower().replace("_", "-").split("==")
            assert locked.get(name) == version, f"{name}: run `make lock`"
