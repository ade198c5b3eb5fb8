"""What the documents say is so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from scaiflow import env

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
FENCE = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def commands(page: Path) -> list[str]:
    lines = "\n".join(FENCE.findall(page.read_text())).splitlines()
    return [line.split("#")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def test_every_variable_is_in_the_list_and_every_listed_one_is_read() -> None:
    listed = set(re.findall(r"`((?:SCAI|OTEL|SENTRY)[A-Z_]+)`", (ROOT / "docs/configuration.md").read_text()))
    assert listed == set(env.SEEN) | {"SCAIFLOW_ENV_FILE"}


def test_the_readme_opens_with_the_main_job_and_the_tests() -> None:
    assert commands(ROOT / "README.md")[:2] == ["make demo", "make test"]
    assert README.index("make test") < 1500


def test_ci_calls_the_readmes_own_test_command() -> None:
    lines = (ROOT / ".ci/run").read_text().splitlines()
    assert [line for line in lines if line.startswith("make")] == [
        "make test", "make rules test-slow", "make test-postgres", "make test-mariadb", "make audit",
    ]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"`make ([a-z-]+)`", page.read_text())
    named += [line.split()[1] for line in commands(page) if line.startswith("make ")]
    assert set(named) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is(page: Path) -> None:
    """Commands in a block without a name would be run by nobody, and nobody would notice."""
    fences = re.findall(r"^ *```(.*)$", page.read_text(), re.MULTILINE)
    assert len(fences) % 2 == 0
    assert set(fences[::2]) <= {"sh", "console", "python", "json", "yaml", "text", "toml", "html", "http", "js"}


def test_help_lists_every_target_that_a_person_calls() -> None:
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "run", "test", "check", "demo"):
        assert f"make {target} " in told
