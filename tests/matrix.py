"""`python -m tests.matrix sqlite postgres mariadb`: the suite on each of them, and a line for each at the end.

A database that this machine has not is told as NOT RUN, and fails the whole where CI is set: there it has to be there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.backends import DATABASES
from tests.servers import die_with_parent

# Nothing in these ever meets a database, so once is enough.
FOLDERS = ["tests/compiler", "tests/sandbox", "tests/upstream"]
PURE = [*FOLDERS, "tests/test_house.py", "tests/test_docs.py", "tests/test_openapi.py"]
SUMMARY = re.compile(r"^=*\s*(.*\b(?:passed|failed|error).* in [\d.]+s.*?)\s*=*$", re.MULTILINE)


def run(backend: str, arguments: list[str]) -> tuple[int, str]:
    """The exit code, and what is said of it in one line."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.backends", *arguments]
    if backend != "sqlite":
        command += [word for folder in PURE for word in ("--ignore", folder)]
    env = os.environ | {"SCAIFLOW_TEST_DB": backend}
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent
    ) as running:
        told = ""
        for line in running.stdout or []:
            sys.stdout.write(line)
            sys.stdout.flush()
            told = (told + line)[-10_000:]
    missing = re.search(r"NOT RUN: (.*)", told)
    if missing:
        return (1 if os.environ.get("CI") else 0), f"NOT RUN: {missing[1]}"
    summary = SUMMARY.findall(told)
    return running.returncode, summary[-1] if summary else f"ended with {running.returncode}"


def main(words: list[str]) -> int:
    backends = [word for word in words if word in DATABASES]
    lines, worst = [], 0
    for backend in backends:
        code, line = run(backend, ["-n", "2", "-m", "not slow", *words[len(backends) :]])
        lines.append(f"matrix: {backend:10} {line}")
        worst = worst or code
    sys.stdout.write("\n".join(["", *lines, ""]))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
