"""Compute: a ScaiBunker sandbox, made, used and destroyed by the flow."""

from __future__ import annotations

from flows.compiler.fields import Field
from flows.compiler.kinds.calls import lift_from, lower_to
from flows.compiler.kinds.kind import Kind

LIFECYCLES = ("ephemeral", "session", "persistent", "appliance")

_PATH = Field("path", required=True, reads="template")


def _size(name: str, default: int, minimum: int) -> Field:
    return Field(name, ("integer",), default=default, minimum=minimum)


def _kind(name: str, method: str, purpose: str, fields: tuple[Field, ...]) -> Kind:
    return Kind(
        name=name,
        family="compute",
        purpose=purpose,
        ir="rigid",
        step="plugin_call",
        fields=fields,
        lower=lower_to("scaibunker", method),
        lift=lift_from("scaibunker", method),
    )


KINDS = (
    _kind(
        "compute_provision",
        "create",
        "Makes a sandbox.",
        (
            Field("image", default="python-3.12", reads="template"),
            Field("lifecycle", default="ephemeral", choices=LIFECYCLES),
            _size("cpu_millicores", 1000, 1),
            _size("memory_mb", 512, 1),
            _size("disk_mb", 1024, 1),
            _size("gpu_count", 0, 0),
            Field("network_profile", reads="template"),
        ),
    ),
    _kind(
        "compute_exec",
        "exec",
        "Runs a command in the sandbox.",
        (
            Field("command", ("list", "text"), required=True, reads="templates"),
            Field("timeout_s", ("number",), default=30, minimum=1),
            Field("env", ("map",), reads="templates"),
        ),
    ),
    _kind(
        "compute_file_upload",
        "write_file",
        "Writes a file into the sandbox.",
        (_PATH, Field("content", required=True, reads="template", keeps_blanks=True)),
    ),
    _kind("compute_file_download", "read_file", "Reads a file of the sandbox.", (_PATH,)),
    _kind("compute_destroy", "destroy", "Destroys the sandbox.", ()),
)
