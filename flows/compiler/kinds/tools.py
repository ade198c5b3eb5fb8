"""Tools: plugins, HTTP and other Cores."""

from __future__ import annotations

from collections.abc import Iterator

from flows.compiler.actions import Action, Call, CoreCall, given
from flows.compiler.fields import Field
from flows.compiler.kinds.calls import lift_from, lower_to
from flows.compiler.kinds.kind import Kind, Problem, Settings, Step
from flows.compiler.plugins import SIGNATURES


def _check_args(settings: Settings) -> Iterator[Problem]:
    call = f"{settings['plugin']}.{settings['method']}"
    signature = SIGNATURES.get(call)
    args = settings["args"]
    for name in signature.required if signature else ():
        if args.get(name) in (None, ""):
            yield Problem("missing_plugin_arg", f"plugin call '{call}': missing required arg '{name}'", "args")


def _lower_plugin(settings: Settings) -> Action:
    return Call(settings["plugin"], settings["method"], settings["args"])


def _lift_plugin(step: Step) -> Settings | None:
    call = step.get("plugin_call")
    if not isinstance(call, dict) or not {"alias", "method"} <= call.keys():
        return None
    return {"plugin": call["alias"], "method": call["method"], "args": call.get("args") or {}}


def _lift_core_call(step: Step) -> Settings | None:
    return dict(step["core_call"]) if isinstance(step.get("core_call"), dict) else None


KINDS = (
    Kind(
        name="tool_plugin",
        family="tool",
        purpose="Calls a method of a plugin.",
        ir="rigid",
        step="plugin_call",
        fields=(
            Field("plugin", required=True, format="alias"),
            Field("method", required=True, format="method"),
            Field("args", ("map",), default={}, reads="arguments"),
        ),
        check=_check_args,
        lower=_lower_plugin,
        lift=_lift_plugin,
    ),
    Kind(
        name="tool_http",
        family="tool",
        purpose="Sends an HTTP request.",
        ir="rigid",
        step="plugin_call",
        fields=(
            Field("method", default="GET", choices=("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")),
            Field("url", required=True, format="url", reads="template"),
            Field("headers", ("map",), reads="templates"),
            Field("body", ("any",), reads="templates"),
            Field("timeout", ("text", "number"), default="30s", format="duration", minimum=0),
        ),
        lower=lower_to("http", "request"),
        lift=lift_from("http", "request"),
    ),
    Kind(
        name="subflow_call",
        family="tool",
        purpose="Invokes another Core and reads its answer.",
        ir="core_call",
        step="core_call",
        fields=(
            Field("target", required=True, format="core"),
            Field("flow_name"),
            Field("input_bindings", ("map",), reads="expressions"),
            Field("instance_key", reads="prose"),
            Field("version"),
            Field("timeout", ("text", "number"), format="duration", minimum=0),
            Field("is_async", ("boolean",), default=False),
        ),
        lower=lambda settings: CoreCall(given(settings)),
        lift=_lift_core_call,
    ),
)
