"""The commands. Exit status 0 when it worked, 1 when it did not; then every error is one line on the standard error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from catalog.packaging import SUFFIX, Package, PackageError, write_package
from flows.compiler import Compiled, CompileError, Diagnostic, ManifestError, compile_flow, import_manifest, validate
from scaiflow.cli.files import Refused, read_bytes, read_document, read_text, write_bytes, write_json

FIRST_VERSION = "1.0.0"


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script's entry."""
    try:
        options = _parser().parse_args(arguments)
        options.run(options)
    except Refused as refused:
        sys.stderr.writelines(f"{line}\n" for line in refused.lines)
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{self.prog}: {message}; --help tells more")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="scaiflow", description="Flows as files: check, compile, import, package and deploy them.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, source, purpose in (
        ("validate", _validate, "flow", "say all that is wrong with a flow"),
        ("compile", _compile, "flow", "write the manifest of a flow"),
        ("import", _import, "manifest", "write the flow of a manifest"),
        ("publish", _publish, "flow", f"write a flow as a package ({SUFFIX})"),
        ("deploy", _deploy, "flow", "put a flow's Core on ScaiGrid"),
    ):
        command = commands.add_parser(name, help=purpose, description=purpose)
        command.add_argument(source, metavar=source.upper(), help="a file, or - for the standard input")
        command.set_defaults(run=run)
        _ARGUMENTS[name](command)
    return parser


def _output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", metavar="FILE", help="write there instead of to the standard output")


def _validate_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="all findings as JSON on the standard output")


def _compile_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("yaml", "ir", "scai"), default="yaml", help="default: yaml")
    _output(command)


def _publish_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", metavar="FILE", help=f"default: <package id>-<version>{SUFFIX}")
    command.add_argument("--package-id", metavar="SLUG", help="default: the slug of the flow's name")
    command.add_argument("--package-version", metavar="X.Y.Z", help="default: the flow's version")
    command.add_argument("--description", help="default: metadata.description of the flow")
    command.add_argument("--readme", metavar="FILE", help="a Markdown file to put into the package")


def _deploy_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--publish-as-model",
        action=argparse.BooleanOptionalAction,
        help="list the Core among the chat models, or not; default: config.publish_as_model of the flow",
    )
    command.add_argument("--api-key", metavar="KEY", help="default: SCAIGRID_API_KEY")
    command.add_argument("--base-url", metavar="URL", help="default: SCAIGRID_BASE_URL, else the public ScaiGrid")


_ARGUMENTS = {
    "validate": _validate_arguments,
    "compile": _compile_arguments,
    "import": _output,
    "publish": _publish_arguments,
    "deploy": _deploy_arguments,
}


def _validate(options: argparse.Namespace) -> None:
    found = validate(read_document(options.flow))
    errors = [each for each in found if each.severity == "error"]
    if options.json:
        write_json(None, {"valid": not errors, "diagnostics": [each.as_dict() for each in found]})
    else:
        sys.stdout.writelines(f"warning: {_line(each)}\n" for each in found if each.severity == "warning")
        sys.stdout.write("" if errors else "valid\n")
    if errors:
        raise Refused(*map(_line, errors))


def _compile(options: argparse.Namespace) -> None:
    write_bytes(options.out, compiled(read_document(options.flow), options.format).body)


def _import(options: argparse.Namespace) -> None:
    try:
        found = import_manifest(read_bytes(options.manifest))
    except ManifestError as error:
        raise Refused(f"{options.manifest}: {error}") from None
    write_json(options.out, found.content)


def _publish(options: argparse.Namespace) -> None:
    document = read_document(options.flow)
    made = compiled(document)
    package = Package(
        package_id=options.package_id or made.slug,
        name=document["name"],
        version=options.package_version or document.get("version") or FIRST_VERSION,
        content=document,
        manifest=made.body,
        description=_description(document) if options.description is None else options.description,
        readme=None if options.readme is None else read_text(options.readme),
    )
    out = options.out or f"{package.package_id}-{package.version}{SUFFIX}"
    try:
        body = write_package(package)
    except PackageError as error:
        raise Refused(f"{options.flow}: {error}") from None
    write_bytes(out, body)
    sys.stdout.write(f"{out}\n")


def _description(document: dict[str, Any]) -> str:
    told = document.get("metadata", {}).get("description")
    return told if isinstance(told, str) else ""


def _deploy(options: argparse.Namespace) -> None:
    document = read_document(options.flow)
    made = compiled(document)
    # Not at the top: it loads Django and the HTTP client, which the other commands have no use for.
    from scaiflow.cli.deploying import deploy

    answer = deploy(
        config=document.get("config", {}),
        manifest=made,
        base_url=options.base_url,
        api_key=options.api_key,
        publish_as_model=options.publish_as_model,
    )
    write_json(None, answer)


def compiled(document: Any, format: Any = "yaml") -> Compiled:
    """Raises Refused, with a line for each error."""
    try:
        return compile_flow(document, format=format)
    except CompileError as error:
        raise Refused(*(_line(each) for each in error.diagnostics if each.severity == "error")) from None


def _line(found: Diagnostic) -> str:
    return f"{found.path or 'document'}: {found.message} [{found.code}]"
