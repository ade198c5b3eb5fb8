"""The rules of the house that no linter holds."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST = 300
TOP = {
    "manage.py", "requirements.txt", "README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "Makefile", ".gitignore",
    ".dockerignore", "scaiflow", "flows", "tenants", "catalog", "lookups", "webhooks", "templates", "tests", "docker",
    "docs", "benchmarks", ".ci",
}  # fmt: skip
BANNED_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager|data|process_\w+|\w+_v2)\.py$")
APPS = ("catalog", "flows", "lookups", "tenants", "webhooks", "scaiflow/kit", "scaiflow/upstream", "scaiflow/console")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().splitlines() if (ROOT / name).is_file()]


FILES = tracked()
MODULES = [path for path in FILES if path.suffix == ".py" and "migrations" not in path.parts]
OURS = [path for path in MODULES if path.relative_to(ROOT).parts[0] not in {"tests", "benchmarks"}]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_top_level_is_what_its_owner_fixed() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} <= TOP


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_a_module_is_short_enough_to_be_read_at_once(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def test_no_module_is_named_for_nothing() -> None:
    assert [name_of(path) for path in MODULES if BANNED_NAMES.search(path.name)] == []


@pytest.mark.parametrize("app", APPS)
def test_every_app_has_its_page(app: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / app / "__init__.py").read_text()))
    assert docstring
    assert len(docstring.split()) > 15


def test_errors_are_answered_in_one_place() -> None:
    """Nobody else writes an answer with a status of 400 or more."""
    written = re.compile(r"status=[45]\d\d|HttpResponse(BadRequest|Forbidden|NotFound)")
    allowed = {"scaiflow/kit/api.py", "scaiflow/console/views/health.py"}
    guilty = [
        name_of(path)
        for path in OURS
        if "/views" in name_of(path) or path.name in {"consumers.py", "middleware.py"}
        if written.search(path.read_text())
    ]
    assert [name for name in guilty if name not in allowed] == []


# Keys that are recognised by their form: AWS, GitHub, Slack, Google, Stripe, npm, PyPI, model providers, signed JWTs.
KNOWN_KEYS = (
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60}|xox[abprs]-[\w-]{20}|AIza[\w-]{35}|sk_live_\w{20}|"
    r"npm_[A-Za-z0-9]{36}|pypi-[\w-]{60}|sk-(ant|proj)-[\w-]{30}|eyJ[\w-]{15,}\.eyJ[\w-]{30,}\.[\w-]{40,}"
)


def test_a_committed_key_is_seen() -> None:
    made_up = ["AKIA" + "A" * 16, "ghp_" + "a1" * 18, "xoxb-" + "1" * 24, "sk-ant-" + "x" * 40, "npm_" + "b" * 36]
    assert [text for text in made_up if not re.search(KNOWN_KEYS, f'KEY = "{text}"')] == []


def test_nothing_of_a_machine_is_committed() -> None:
    secrets = re.compile(r"BEGIN (RSA |EC |OPENSSH )?PRIVATE KEY|/home/\w+/|/root/|(?<![\w.])/work/|" + KNOWN_KEYS)
    texts = [path for path in FILES if b"\0" not in path.read_bytes()[:8192]]
    assert {".css", ".html", ".js", ".lock", ".mjs", ".svg", ".py"} <= {path.suffix for path in texts}
    guilty = [name_of(path) for path in texts if path.name != "test_house.py" and secrets.search(path.read_text())]
    assert guilty == []


def test_no_template_calls_a_mapping_by_a_dot() -> None:
    """In a template a key that is called "items" wins over the method, and people and services choose keys: `|pairs`."""
    dotted = re.compile(r"\.(items|keys|values|get|pop|copy|update|count|index)\b")
    in_tags = re.compile(r"\{[{%](?!\s*(url|include|extends|static)\b).*?[%}]\}")
    templates = [path for path in FILES if path.suffix == ".html" and path.relative_to(ROOT).parts[0] == "templates"]
    guilty = [
        (name_of(path), tag[0])
        for path in templates
        for tag in in_tags.finditer(path.read_text())
        if dotted.search(tag[0])
    ]
    assert templates
    assert guilty == []


def test_tests_do_not_sleep() -> None:
    sleeping = re.compile(r"\btime\.sleep\(|\bsleep\(0?\.\d")
    guilty = [path for path in MODULES if "tests" in path.parts and sleeping.search(path.read_text())]
    assert [name_of(path) for path in guilty] == []
