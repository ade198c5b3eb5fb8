"""YAML, written by hand for speed and for the same bytes everywhere: block style where people read, JSON where they do not.

JSON is YAML (1.2, section 1.3), with four traps that are sprung here: characters that YAML wants escaped and JSON does not;
numbers like `1e16`, which a YAML 1.1 reader takes for text; plain words that it takes for something else (only letters
are ever written plain, and none of those words); and keys too long to stand before a colon (the document's check has
bounded them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from flows.compiler.actions import Map

INLINE = frozenset({"meta", "scaiflow_meta"})
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z_]*")
_WORDS = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n", "none", "nan", "inf", "infinity"])
# A number with an exponent, or a text that looks like one: then the slow road looks at every number.
_MAYBE_EXPONENT = re.compile(rb"[\d.][eE][+-]?\d")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def as_yaml(manifest: Map) -> bytes:
    """The manifest's bytes. Keys stand in the order of the maps."""
    return "".join(_lines(manifest, 0)).encode()


def _lines(value: Any, indent: int) -> Iterator[str]:
    """A map or a list in block style, each line with its end."""
    pad = " " * indent
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _entry(f"{pad}{_key(key)}:", inner, indent, inline=key in INLINE)
    else:
        for inner in value:
            if isinstance(inner, dict) and inner:
                first, *rest = _lines(inner, indent + 2)
                yield f"{pad}- {first[indent + 2 :]}"
                yield from rest
            else:
                yield from _entry(f"{pad}-", inner, indent, inline=False)


def _entry(head: str, value: Any, indent: int, *, inline: bool) -> Iterator[str]:
    if isinstance(value, dict | list) and value and not inline:
        yield f"{head}\n"
        yield from _lines(value, indent + 2)
    else:
        yield f"{head} {_text(value) if isinstance(value, str) else _json(value)}\n"


def _key(key: str) -> str:
    return _text(key)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _json(text)


def _json(value: Any) -> str:
    written = orjson.dumps(value)
    text = _slow(value) if _MAYBE_EXPONENT.search(written) else written.decode()
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _slow(value: Any) -> str:
    """JSON whose numbers YAML 1.1 reads as numbers: `1.0e+16` and not `1e16`."""
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{_slow(inner)}" for key, inner in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(_slow(inner) for inner in value) + "]"
    if isinstance(value, float) and "e" in (digits := repr(value)):
        mantissa, exponent = digits.split("e")
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+d}"
    return json.dumps(value, ensure_ascii=False)
