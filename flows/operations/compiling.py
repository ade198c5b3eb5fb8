"""The compiler, for callers who need its refusal as an error of ours."""

from __future__ import annotations

import base64
from typing import Any

from flows.compiler import (
    Compiled,
    CompileError,
    Format,
    ManifestError,
    compile_flow,
    import_manifest,
    validate,
)
from scaiflow.kit.errors import Failure, Unprocessable


class DoesNotCompile(Failure):
    """Our own compiler refused the flow; `diagnostics` says all of why."""

    error = "compile_error"


def compiled(content: dict[str, Any], format: Format = "yaml") -> Compiled:
    """The manifest, in that form. Raises DoesNotCompile."""
    try:
        return compile_flow(content, format=format)
    except CompileError as error:
        diagnostics = [diagnostic.as_dict() for diagnostic in error.diagnostics]
        errors = sum(diagnostic["severity"] == "error" for diagnostic in diagnostics)
        raise DoesNotCompile(f"the flow does not compile: {errors} errors", diagnostics=diagnostics) from None


def preview(*, content: dict[str, Any], format: Format) -> dict[str, Any]:
    """`{format, body, errors}`: a refusal stands in `errors` (severity error) beside an empty body."""
    try:
        made = compile_flow(content, format=format)
    except CompileError as error:
        errors = [diagnostic.as_dict() for diagnostic in error.diagnostics if diagnostic.severity == "error"]
        return {"format": format, "body": "", "errors": errors}
    body = base64.b64encode(made.body) if format == "ir" else made.body
    return {"format": format, "body": body.decode(), "errors": []}


def diagnose(*, content: dict[str, Any]) -> dict[str, Any]:
    """`{valid, diagnostics}`; warnings alone leave a flow valid."""
    found = validate(content)
    valid = all(diagnostic.severity != "error" for diagnostic in found)
    return {"valid": valid, "diagnostics": [diagnostic.as_dict() for diagnostic in found]}


def imported(*, manifest: str) -> dict[str, Any]:
    """`{content, unknown_steps}`. Raises Unprocessable (the text is no manifest that may be read)."""
    try:
        found = import_manifest(manifest)
    except ManifestError as error:
        raise Unprocessable.at("body", "manifest", msg=str(error), type="manifest_invalid") from None
    return {"content": found.content, "unknown_steps": found.unknown_steps}
