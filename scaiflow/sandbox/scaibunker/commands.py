"""The commands that a bunker knows: written here, never handed to a shell or a process."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_OPERATORS = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "<<", "2>", "`"})


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    exit_code: int
    stdout: str = ""
    stderr: str = ""


class CommandError(Exception):
    """A command that fails; becomes stderr and the exit code."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def inside(root: Path, path: str) -> Path:
    """The place of a bunker's file. Raises CommandError for a path that leads out of the bunker."""
    place = (root / path.lstrip("/")).resolve()
    if not place.is_relative_to(root.resolve()) or "\0" in path:
        raise CommandError(f"{path}: outside of the bunker")
    return place


def run(root: Path, command: str | Sequence[object], env: dict[str, str]) -> Finished:
    """Run one command; 127 for one that is not known, 2 for shell syntax, which is not understood."""
    try:
        words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
        if _OPERATORS & set(words) and isinstance(command, str):
            raise CommandError("there is no shell here: one command, its arguments, nothing else", 2)
        if not words:
            raise CommandError("the command is empty", 2)
        if words[0] not in _COMMANDS:
            known = ", ".join(sorted(_COMMANDS))
            raise CommandError(f"{words[0]}: command not found (this sandbox knows: {known})", 127)
        return _COMMANDS[words[0]](root, words[1:], env)
    except CommandError as error:
        return Finished(error.exit_code, "", f"{error}\n")
    except (ValueError, OSError) as error:
        return Finished(1, "", f"{type(error).__name__}: {error}\n")


def _read(root: Path, path: str) -> str:
    place = inside(root, path)
    if not place.is_file():
        raise CommandError(f"{path}: no such file")
    return place.read_text(encoding="utf-8", errors="replace")


def _echo(root: Path, words: list[str], env: dict[str, str]) -> Finished:
    return Finished(0, f"{' '.join(words)}\n")


def _cat(root: Path, words: list[str], env: dict[str, str]) -> Finished:
    return Finished(0, "".join(_read(root, path) for path in words))


def _ls(root: Path, words: list[str], env: dict[str, str]) -> Finished:
    place = inside(root, words[-1] if words and not words[-1].startswith("-") else ".")
    if not place.exists():
        raise CommandError(f"{words[-1]}: no such file")
    names = [place.name] if place.is_file() else sorted(entry.name for entry in place.iterdir())
    return Finished(0, "".join(f"{name}\n" for name in names))


def _wc(root: Path, words: list[str], env: dict[str, str]) -> Finished:
    flags = {flag for word in words if word.startswith("-") for flag in word[1:]} or set("lwc")
    lines = []
    for path in (word for word in words if not word.startswith("-")):
        text = _read(root, path)
        counts = {"l": text.count("\n"), "w": len(text.split()), "c": len(text.encode())}
        lines.append(" ".join([*(str(counts[flag]) for flag in "lwc" if flag in flags), path]))
    return Finished(0, "".join(f"{line}\n" for line in lines))


def _lines(root: Path, words: list[str], *, from_end: bool) -> Finished:
    count, paths = 10, list(words)
    if len(paths) >= 2 and paths[0] == "-n":
        count, paths = int(paths[1]), paths[2:]
    found = [line for path in paths for line in _read(root, path).splitlines()]
    kept = found[-count:] if from_end else found[:count]
    return Finished(0, "".join(f"{line}\n" for line in kept))


def _grep(root: Path, words: list[str], env: dict[str, str]) -> Finished:
    """Fixed strings only: a pattern of a flow must not be able to hang the sandbox."""
    fold = "-i" in words
    rest = [word for word in words if word != "-i"]
    if len(rest) < 2:
        raise CommandError("usage: grep [-i] TEXT FILE...", 2)
    wanted = rest[0].lower() if fold else rest[0]
    found = [line for path in rest[1:] for line in _read(root, path).splitlines()]
    kept = [line for line in found if wanted in (line.lower() if fold else line)]
    return Finished(0 if kept else 1, "".join(f"{line}\n" for line in kept))


def _sort(root: Path, words: list[str], env: dict[str, str]) -> Finished:
    paths = [word for word in words if not word.startswith("-")]
    found = [line for path in paths for line in _read(root, path).splitlines()]
    return Finished(0, "".join(f"{line}\n" for line in sorted(found, reverse="-r" in words)))


def _env(root: Path, words: list[str], env: dict[str, str]) -> Finished:
    return Finished(0, "".join(f"{name}={value}\n" for name, value in sorted(env.items())))


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
}
_RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
}


def _expr(root: Path, words: list[str], env: dict[str, str]) -> Finished:
    """`expr A OP B`, with decimals; like the real one it prints 1 or 0 for a relation and fails on 0."""
    if len(words) != 3 or words[1] not in _ARITHMETIC.keys() | _RELATIONS.keys():
        raise CommandError("usage: expr NUMBER (+ - * / % < <= = != >= >) NUMBER", 2)
    left, operator, right = float(words[0]), words[1], float(words[2])
    if operator in "/%" and right == 0:
        raise CommandError("division by zero", 2)
    result = _ARITHMETIC[operator](left, right) if operator in _ARITHMETIC else _RELATIONS[operator](left, right)
    return Finished(0 if result else 1, f"{float(result):g}\n")


_COMMANDS: dict[str, Callable[[Path, list[str], dict[str, str]], Finished]] = {
    "cat": _cat,
    "echo": _echo,
    "env": _env,
    "expr": _expr,
    "false": lambda root, words, env: Finished(1),
    "grep": _grep,
    "head": lambda root, words, env: _lines(root, words, from_end=False),
    "ls": _ls,
    "pwd": lambda root, words, env: Finished(0, "/\n"),
    "sort": _sort,
    "tail": lambda root, words, env: _lines(root, words, from_end=True),
    "true": lambda root, words, env: Finished(0),
    "wc": _wc,
}
