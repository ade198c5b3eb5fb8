"""What can go wrong in a manifest or a run.

RuntimeFailure            the run fails, the message is for a person
├── ExpressionError       text that does not parse, or values that the operator cannot take
├── StepFailed            a step could not do its work (a plugin, a model, an expired checkpoint)
└── LimitExceeded         too many steps, too long, too deep
ManifestError             the manifest is refused before anything runs (`code`, `message`)
"""

from __future__ import annotations


class RuntimeFailure(Exception):
    """Ends the run as failed."""


class ExpressionError(RuntimeFailure):
    """An expression that does not parse or cannot be computed."""


class StepFailed(RuntimeFailure):
    """A step could not do its work."""


class LimitExceeded(RuntimeFailure):
    """The run used up its steps, its time or its depth."""


class ManifestError(Exception):
    """The manifest is refused; `code` is COMPILE_ERROR (not a manifest) or VERIFIER_ERROR (not a valid one)."""

    def __init__(self, code: str, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.code, self.problems = code, problems
