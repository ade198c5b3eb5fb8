"""Files in and out. `-` is the standard input; without `--out` things go to the standard output."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


class Refused(Exception):
    """Ends the command with exit status 1. `lines` go to the standard error, one each."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = [" ".join(line.split()) for line in lines]


def read_bytes(name: str) -> bytes:
    """Raises Refused."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise Refused(f"{name}: {error.strerror}") from None


def read_text(name: str) -> str:
    """Raises Refused."""
    try:
        return read_bytes(name).decode()
    except UnicodeDecodeError:
        raise Refused(f"{name}: not UTF-8") from None


def read_document(name: str) -> Any:
    """A flow's JSON, whatever it holds: what is wrong with it is for the compiler to say. Raises Refused."""
    try:
        return json.loads(read_text(name))
    except RecursionError:
        raise Refused(f"{name}: not JSON that can be read: nested too deep") from None
    except ValueError as error:
        raise Refused(f"{name}: not JSON: {error}") from None


def write_bytes(name: str | None, body: bytes) -> None:
    """Raises Refused."""
    try:
        if name is None:
            sys.stdout.buffer.write(body)
            sys.stdout.buffer.flush()
        else:
            Path(name).write_bytes(body)
    except OSError as error:
        raise Refused(f"{name or 'standard output'}: {error.strerror}") from None


def write_json(name: str | None, value: Any) -> None:
    """Raises Refused."""
    write_bytes(name, json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n")
