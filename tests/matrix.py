"""`python -m tests.matrix sqlite postgres mariadb`: the suite on each of them, and a line for each at the end.

A database that this machine has not is told as NOT RUN, and fails the whole where CI is set: there it has to be there. What
comes after the names of databases is for pytest; by default all but those slow tests that are not marked `everywhere`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.backends import CHOICE, DATABASES, MATRIX
from tests.servers import die_with_parent

USUAL = ["-n", "3", "-m", "not slow or everywhere"]


def run(backend: str, arguments: list[str]) -> tuple[int, str]:
    """The exit code, and what is said of it in one line."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.backends", *arguments]
    env = os.environ | {CHOICE: backend}
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent
    ) as running:
        told = ""
        for line in running.stdout or []:
            sys.stdout.write(line)
            sys.stdout.flush()
            told = (told + line)[-10_000:]
    if missing := re.search(r"NOT RUN: (.*)", told):
        line = f"matrix: {backend}: NOT RUN: {missing[1]}"
        MATRIX.parent.mkdir(exist_ok=True)
        with MATRIX.open("a") as file:
            file.write(line + "\n")
        return (1 if os.environ.get("CI") else 0), line
    summary = re.findall(r"^matrix: .*", told, re.MULTILINE)
    return running.returncode, summary[-1] if summary else f"matrix: {backend}: ended with {running.returncode}"


def main(words: list[str]) -> int:
    backends = [word for word in words if word in DATABASES]
    lines, worst = [], 0
    for backend in backends:
        code, line = run(backend, words[len(backends) :] or USUAL)
        lines.append(line)
        worst = worst or code
    sys.stdout.write("\n".join(["", *lines, ""]))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
