"""The same document gives the same bytes: in every process, whatever its hash seed, and in whatever order its keys stand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from flows.compiler import CompileError, analyse, compile_flow, validate
from tests.compiler.documents import CASES, DOCUMENTS, ROOT

SCRIPT = """
import hashlib
from flows.compiler import CompileError, compile_flow
from tests.compiler.documents import DOCUMENTS
for document in DOCUMENTS:
    for format in ("yaml", "ir", "scai"):
        try:
            made = compile_flow(document, format=format)
            print(made.digest, hashlib.sha256(made.body).hexdigest())
        except CompileError as error:
            print([found.as_dict() for found in error.diagnostics])
"""


def test_every_process_gives_the_same_bytes_and_the_same_words() -> None:
    told = set()
    for seed, zone, language in (
        ("0", "UTC", "C"),
        ("1", "Asia/Tokyo", "de_DE.UTF-8"),
        ("12345", "America/Lima", "C.UTF-8"),
    ):
        surroundings = {
            "PATH": os.environ["PATH"],
            "PYTHONHASHSEED": seed,
            "TZ": zone,
            "LC_ALL": language,
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", SCRIPT],
            cwd=ROOT,
            env=surroundings,
            capture_output=True,
            text=True,
            check=True,
        )
        told.add(done.stdout)
    assert len(told) == 1
    assert told.pop().count("\n") == 3 * len(DOCUMENTS)


def test_one_analysis_serves_the_findings_and_every_form() -> None:
    for document in DOCUMENTS:
        analysis = analyse(document)
        assert analysis.found == validate(document)
        if analysis.blocks is not None:
            for form in ("yaml", "ir", "scai"):
                assert compile_flow(analysis, format=form) == compile_flow(document, format=form)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_key_order_never_reaches_the_bytes(path: Any) -> None:
    document = json.loads(path.read_text())["document"]

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    def bytes_of(each: Any) -> bytes:
        try:
            return compile_flow(each).body
        except CompileError as error:
            return repr(error.diagnostics).encode()

    assert bytes_of(document) == bytes_of(turned(document))
    assert validate(document) == validate(turned(document))


def test_the_document_that_is_given_is_left_as_it_is() -> None:
    for document in DOCUMENTS:
        before = json.dumps(document)
        validate(document)
        assert json.dumps(document) == before
