from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as Xml

from hypothesis import given
from hypothesis import strategies as st

from flows.junit import as_junit


def result(name: str, *, ok: bool = True, error: str | None = None, output: Any = None) -> dict[str, Any]:
    return {"name": name, "ok": ok, "expect": {"a": 1}, "output": output, "error": error}


def report(*results: dict[str, Any]) -> dict[str, Any]:
    passed = sum(one["ok"] for one in results)
    return {"results": list(results), "passed": passed, "failed": len(results) - passed}


def test_passed_failed_and_broken_are_told_apart() -> None:
    told = report(result("good"), result("wrong", ok=False, output={"a": 2}), result("broken", ok=False, error="down"))
    suite = Xml.fromstring(as_junit(told, suite="Support"))
    assert suite.attrib == {"name": "Support", "tests": "3", "failures": "1", "errors": "1"}
    good, wrong, broken = suite
    assert list(good) == []
    assert wrong[0].tag == "failure"
    assert wrong[0].text == 'expected: {"a": 1}\nanswered: {"a": 2}'
    assert broken[0].attrib == {"message": "down"}


@given(st.text(), st.text())
def test_whatever_a_flow_answers_the_document_is_well_formed(name: str, output: str) -> None:
    whole = as_junit(report(result(name, ok=False, output=output), result(name, ok=False, error=output)), suite=name)
    assert len(Xml.fromstring(whole)) == 2
