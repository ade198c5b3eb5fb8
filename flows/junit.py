"""Test results as JUnit XML, for CI systems that draw it. Pure."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as Xml

# XML 1.0 has no place for these, however they are escaped.
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: dict[str, Any], *, suite: str) -> bytes:
    """`{results: [{name, ok, expect, output, error}], passed, failed}` as one `<testsuite>`. A fixture that could not
    be run is an `<error>`, one that answered otherwise than expected a `<failure>`."""
    results = report["results"]
    errors = sum(result["error"] is not None for result in results)
    counts = {"tests": len(results), "failures": report["failed"] - errors, "errors": errors}
    root = Xml.Element("testsuite", {"name": _clean(suite), **{name: str(n) for name, n in counts.items()}})
    for result in results:
        case = Xml.SubElement(root, "testcase", {"classname": _clean(suite), "name": _clean(result["name"])})
        if result["error"] is not None:
            Xml.SubElement(case, "error", {"message": _clean(result["error"])})
        elif not result["ok"]:
            failure = Xml.SubElement(case, "failure", {"message": "the output is not as expected"})
            failure.text = f"expected: {_json(result['expect'])}\nanswered: {_json(result['output'])}"
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def _json(value: Any) -> str:
    return _clean(json.dumps(value, ensure_ascii=False))


def _clean(text: str) -> str:
    return NOT_IN_XML.sub("\ufffd", text)
