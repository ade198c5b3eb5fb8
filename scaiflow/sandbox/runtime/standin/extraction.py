"""Finding numbers, dates, addresses and yes-or-no in text."""

from __future__ import annotations

import re
from typing import Any

from scaiflow.sandbox.runtime.expressions.values import is_number
from scaiflow.sandbox.runtime.standin.choice import listed_for
from scaiflow.sandbox.runtime.standin.evidence import Evidence
from scaiflow.sandbox.runtime.standin.words import stem, stems_of, words_of

_CURRENCY = r"(?:EUR|USD|GBP|CHF|JPY|euros?|dollars?|pounds?|€|\$|£)"
_NUMBER = re.compile(
    rf"(?P<before>{_CURRENCY})?\s*(?<![\w.,])(?P<number>-?\d+(?:[.,' ]\d{{3}})*(?:[.,]\d+)?)(?!\w)"
    rf"\s*(?P<after>{_CURRENCY})?",
    re.IGNORECASE,
)
_MONEY = frozenset(
    stem(word) for word in ("amount", "total", "price", "cost", "sum", "budget", "fee", "value", "payment")
)
_PATTERNS = {
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "url": re.compile(r"https?://\S+"),
    "date": re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}"),
    "currency": re.compile(_CURRENCY, re.IGNORECASE),
    "phone": re.compile(r"\+?\d[\d ()-]{6,}\d"),
}
_CURRENCIES = {"€": "EUR", "$": "USD", "£": "GBP", "euro": "EUR", "dollar": "USD", "pound": "GBP"}
_YES, _NO = frozenset({"yes", "true", "y", "on"}), frozenset({"no", "false", "n", "off"})
_DENIALS = frozenset({"not", "no", "never", "without", "isn't", "don't", "doesn't", "wasn't"})


def number_for(evidence: Evidence, field: str) -> float:
    """The number that the text gives for a field; 0 without any.

    A value that goes by the field's name, else the number with a currency for money fields, else the one beside a word
    of the name, else the first.
    """
    known = evidence.field(field)
    if is_number(known):
        return float(known)
    text = f"{known}" if isinstance(known, str) else evidence.text
    found = list(_NUMBER.finditer(text))
    names = {stem(word) for word in words_of(field)}
    ranked = sorted(found, key=lambda match: -_fitness(match, text, names))
    return _parsed(ranked[0].group("number")) if ranked else 0.0


def _fitness(match: re.Match[str], text: str, names: set[str]) -> int:
    """How well a number in the text fits the field's name; equal ones keep the order of the text."""
    money = bool(match.group("before") or match.group("after"))
    left = stems_of(text[: match.start("number")])[-2:]
    right = stems_of(text[match.end("number") :])[:2]
    return 4 * (money and bool(names & _MONEY)) + 3 * bool(names & set(right[:1])) + 2 * bool(names & {*left, *right})


def _parsed(number: str) -> float:
    """`1,234.50`, `1.234,50`, `1 234` and `12,5` as people mean them."""
    digits = number.replace(" ", "").replace("'", "")
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return float(digits)
    separators = set(digits) & set(".,")
    grouped = len(separators) == 1 and len(digits) - last == 4 and digits[last] == ","
    if grouped or digits.count(digits[last]) > 1:
        return float(digits.replace(",", "").replace(".", ""))
    return float(re.sub(r"[.,]", "", digits[:last]) + "." + digits[last + 1 :])


def pattern_for(evidence: Evidence, field: str) -> str | None:
    """The first e-mail address, URL, date, currency or phone number, when the field is named so."""
    for word in reversed(words_of(field)):
        match = _PATTERNS[word].search(evidence.text) if word in _PATTERNS else None
        if match:
            found = match.group()
            return _CURRENCIES.get(found.lower().rstrip("s"), found.upper()) if word == "currency" else found
    return None


def labelled(evidence: Evidence, field: str) -> str | None:
    """The rest of a line that starts with the field's name: `Order number: A-17`."""
    name = r"[\s_-]+".join(re.escape(word) for word in words_of(field))
    match = re.search(rf"\b{name}\s*[:=#]\s*([^\n,;]+)", evidence.text, re.IGNORECASE)
    return match.group(1).strip() if match else None


def truth_of(evidence: Evidence, field: str) -> bool:
    """A value that goes by the field's name, else whether the text speaks of the field, and does not deny it."""
    known: Any = evidence.field(field)
    if isinstance(known, bool):
        return known
    if isinstance(known, str) and known.strip().lower() in _YES | _NO:
        return known.strip().lower() in _YES
    names = set(stems_of(field)) | {word for listed in listed_for(evidence.rules, field) for word in stems_of(listed)}
    heard = words_of(evidence.text)
    for at, word in enumerate(heard):
        if stem(word) in names:
            return not _DENIALS & set(heard[max(0, at - 3) : at])
    return False
