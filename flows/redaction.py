"""Secrets in flow documents, found by the names that they stand under and by what they look like. Pure.

Hides rather too much than too little: what is hidden is still told to have changed.
"""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "[hidden]"
SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|passphrase|api[_-]?key|private[_-]?key|authorization|credential|cookie", re.I
)
# A budget of tokens is no secret, and people want to see it change.
BUDGET_NAME = re.compile(
    r"(max|min|num|total|input|output|prompt|completion)[a-z_-]*tokens|tokens?[_-]?(limit|budget|count)", re.I
)
SECRET_TEXT = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?"  # a JWT
    r"|\b(sgk_|sk-|sk_|ghp_|gho_|glpat-|xox[abprs]-|AKIA)[\w-]{4,}"  # keys of well-known makes, ScaiGrid's first
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user and password in an address
    r"|(?<=\bBearer )\S+|(?<=\bBasic )[\w+/=-]{6,}",
    re.I | re.S,
)
# `api_key=abc`, `password == "abc"` and `"password": "abc"` in a longer text; a reference such as {{api_key}} is no secret.
SECRET_PAIR = re.compile(
    r"((?:token|secret|password|passwd|pwd|api[_-]?key|authorization)[\"']?(?>\s*(?:[:=!<>]=+|=>|[:=])\s*[\"']?))(?!\{\{|\$|\[hidden\])([^\s\"'&,;]+)",
    re.I,
)
NAMING, NAMED = ("name", "key", "header"), ("value", "default", "content")


def is_secret_name(name: str) -> bool:
    return bool(SECRET_NAME.search(name)) and not BUDGET_NAME.fullmatch(name)


def without_secrets(value: Any) -> Any:
    """The same value, every secret in it replaced by "[hidden]"."""
    if isinstance(value, str):
        return SECRET_PAIR.sub(rf"\1{HIDDEN}", SECRET_TEXT.sub(HIDDEN, value))
    if isinstance(value, dict):
        hidden = secret_fields(value)
        return {key: HIDDEN if key in hidden else without_secrets(inner) for key, inner in value.items()}
    return [without_secrets(inner) for inner in value] if isinstance(value, list) else value


def secret_fields(item: dict[str, Any]) -> set[str]:
    """The keys that sound secret, and in a pair such as `{name: "Authorization", value: ...}` the one that is named so."""
    found = {key for key in item if is_secret_name(str(key))}
    if any(isinstance(item.get(key), str) and is_secret_name(item[key]) for key in NAMING):
        found |= {key for key in NAMED if key in item}
    return found
