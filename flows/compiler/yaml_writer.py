"""YAML, written by hand for speed and for the same bytes everywhere: block style where people read, JSON where they do not.

JSON is YAML (1.2, section 1.3), with four traps that are sprung here: characters that YAML wants escaped and JSON does not;
numbers like `1e16`, which a YAML 1.1 reader takes for text; plain words that it takes for something else (only letters
are ever written plain, and none of those words); and keys too long to stand before a colon (the document's check has
bounded them).
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import orjson

from flows.compiler.actions import Map

INLINE = frozenset({"meta", "scaiflow_meta"})
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z_]*")
_WORDS = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n", "none", "nan", "inf", "infinity"])
# A number with an exponent, or a text that looks like one: then the slow road looks at every number.
_MAYBE_EXPONENT = re.compile(rb"\de[+-]?\d")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def as_yaml(manifest: Map) -> bytes:
    """The manifest's bytes. Keys stand in the order of the maps."""
    out: list[str] = []
    _map(manifest, "", "", out)
    return "".join(out).encode()


def _map(value: Map, lead: str, pad: str, out: list[str]) -> None:
    """A map in block style. `lead` stands before its first key, where a list's dash may be, `pad` before the others."""
    for key, inner in value.items():
        head = f"{lead}{_key(key)}:"
        lead = pad
        if isinstance(inner, str):
            out.append(f"{head} {_text(inner)}\n")
        elif key in INLINE or not inner or not isinstance(inner, dict | list):
            out.append(f"{head} {_json(inner)}\n")
        else:
            out.append(f"{head}\n")
            _inner(inner, pad + "  ", out)


def _inner(value: Any, pad: str, out: list[str]) -> None:
    if isinstance(value, dict):
        _map(value, pad, pad, out)
    else:
        _list(value, pad, out)


def _list(value: list[Any], pad: str, out: list[str]) -> None:
    for inner in value:
        if isinstance(inner, dict) and inner:
            _map(inner, f"{pad}- ", pad + "  ", out)
        elif isinstance(inner, list) and inner:
            out.append(f"{pad}-\n")
            _list(inner, pad + "  ", out)
        else:
            out.append(f"{pad}- {_text(inner) if isinstance(inner, str) else _json(inner)}\n")


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _UNPRINTABLE.sub(_escaped, orjson.dumps(text).decode())


_key = lru_cache(maxsize=4096)(_text)


def _json(value: Any) -> str:
    written = orjson.dumps(value)
    text = _slow(value) if _MAYBE_EXPONENT.search(written) else written.decode()
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


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
