"""The command line, shared by `python -m scaiflow.sandbox` and `manage.py sandbox`."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence

from scaiflow.sandbox.config import Config, ConfigError, from_options
from scaiflow.sandbox.server import run


def add_arguments(parser: ArgumentParser) -> None:
    """The options of the sandbox; the environment variables are in docs/sandbox.md."""
    parser.add_argument("--host", default=Config.host, help="address to listen on (loopback only)")
    parser.add_argument("--port", type=int, default=Config.port, help="port; 0 takes any free one (default 8100)")
    parser.add_argument("--state", metavar="FILE", help="keep the state in this SQLite file (default: memory)")
    parser.add_argument("--seed", metavar="TEXT", help="ids that follow from this text (default: random ones)")
    parser.add_argument("--allow-any-host", action="store_true", help="let --host be other than loopback")


def serve(options: Mapping[str, object]) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigError for options that it cannot start with."""
    run(from_options(options, os.environ))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry of the module; exit status 2 for bad options."""
    parser = ArgumentParser(prog="python -m scaiflow.sandbox", description="Development stand-ins for the upstreams.")
    add_arguments(parser)
    try:
        serve(vars(parser.parse_args(arguments)))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0
