"""The main job, start to end, over HTTP: sign in, draw, save, compile, deploy, test. What `make demo` does.

Every step says what it sends, what came back, and whether that is what should have come back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaiflow.console.visitor import Answer, Visitor

EXAMPLE = Path("docs") / "examples" / "customer-support.flow.json"
PERSON = "usr_ada"


class StepOff(Exception):
    """A step was answered otherwise than it should have been."""


@dataclass(frozen=True)
class Step:
    """`said` is the answer in a few words; `seconds` how long it took."""

    number: int
    title: str
    call: str
    status: int
    said: str
    seconds: float


class Demo:
    """The steps in their order; each stands on what the one before it left."""

    def __init__(self, visitor: Visitor, content: dict[str, Any]) -> None:
        self.visitor = visitor
        self.content = content
        self.flow_id = self.core_id = ""
        self.road: list[tuple[str, str, Callable[[], Answer], Callable[[Answer], str]]] = [
            ("sign in as Ada, the author", "POST /auth/exchange", self._sign_in, self._who),
            ("who am I", "GET /me", lambda: self._get("/me"), self._me),
            ("draw the Customer Support flow", "POST /flows", self._create, self._created),
            ("save a change", "PUT /flows/{id}", self._save, self._saved),
            ("list its versions", "GET /flows/{id}/versions", lambda: self._get_flow("/versions"), self._versions),
            ("check it", "POST /flows/validate", lambda: self._preview("validate"), self._valid),
            ("compile it", "POST /flows/compile", lambda: self._preview("compile"), self._manifest),
            ("deploy and publish it", "POST /flows/{id}/deploy", self._deploy, self._deployed),
            ("run its tests", "POST /flows/{id}/run-tests", self._run_tests, self._tested),
            ("list deployments", "GET /flows/{id}/deployments", lambda: self._get_flow("/deployments"), self._listed),
        ]

    def steps(self) -> Iterator[Step]:
        """One at a time, as it is done. Raises StepOff, OSError, ValueError."""
        for number, (title, call, act, told) in enumerate(self.road, start=1):
            started = time.perf_counter()
            answer = act()
            if answer.status not in {200, 201}:
                raise StepOff(f"{number}. {title}: {call} answered {answer.status} {answer.raw.decode()[:2000]}")
            try:
                said = told(answer)
            except StepOff as error:
                raise StepOff(f"{number}. {title}: {error}") from None
            except (KeyError, IndexError, TypeError) as error:
                raise StepOff(
                    f"{number}. {title}: {call} answered without {error}: {answer.raw.decode()[:500]}"
                ) from None
            yield Step(number, title, call, answer.status, said, time.perf_counter() - started)

    def _get(self, path: str) -> Answer:
        return self.visitor.send("GET", f"/api/v1{path}")

    def _get_flow(self, path: str) -> Answer:
        return self._get(f"/flows/{self.flow_id}{path}")

    def _preview(self, word: str) -> Answer:
        return self.visitor.send("POST", f"/api/v1/flows/{word}", {"content": self.content})

    def _sign_in(self) -> Answer:
        return self.visitor.sign_in(PERSON)

    def _who(self, answer: Answer) -> str:
        return f"an access token for {answer.body['expires_in']} s"

    def _me(self, answer: Answer) -> str:
        me = answer.body
        return f"{me['display_name']} of {me['tenant_id']}, may {', '.join(me['permissions'])}"

    def _create(self) -> Answer:
        body = {"name": self.content["name"], "description": "From the demo", "content": self.content}
        return self.visitor.send("POST", "/api/v1/flows", body)

    def _created(self, answer: Answer) -> str:
        self.flow_id = answer.body["id"]
        return f"{self.flow_id}, version {answer.body['version']}, {len(answer.body['content']['nodes'])} nodes"

    def _save(self) -> Answer:
        self.content["nodes"][1]["label"] += " (checked)"
        return self.visitor.send("PUT", f"/api/v1/flows/{self.flow_id}", {"content": self.content})

    def _saved(self, answer: Answer) -> str:
        expect(answer.body["version"] == "1.0.1", "the save made no version 1.0.1")
        return f"version {answer.body['version']}, the old one is kept"

    def _versions(self, answer: Answer) -> str:
        listed = [version["version"] for version in answer.body]
        expect(listed == ["1.0.1", "1.0.0"], f"the versions are {listed}")
        return ", ".join(listed)

    def _valid(self, answer: Answer) -> str:
        expect(answer.body["valid"], f"the flow is not valid: {answer.body['diagnostics']}")
        return f"valid, {len(answer.body['diagnostics'])} remarks"

    def _manifest(self, answer: Answer) -> str:
        expect(bool(answer.body["body"]), f"it does not compile: {answer.body['errors']}")
        return f"{len(answer.body['body'].splitlines())} lines of YAML"

    def _deploy(self) -> Answer:
        return self.visitor.send("POST", f"/api/v1/flows/{self.flow_id}/deploy", {"publish_as_model": True})

    def _deployed(self, answer: Answer) -> str:
        self.core_id = answer.body["core_id"]
        queues = answer.body["scaiqueue_provisioning"]["queue_ids"]
        expect(bool(answer.body["published_slug"]), "the Core was not published")
        return f"{self.core_id}, published as {answer.body['published_slug']}, queues {', '.join(queues)}"

    def _run_tests(self) -> Answer:
        return self.visitor.send("POST", f"/api/v1/flows/{self.flow_id}/run-tests", {"core_id": self.core_id})

    def _tested(self, answer: Answer) -> str:
        told = answer.body
        failed = [result for result in told["results"] if not result["ok"]]
        expect(told["passed"] > 0 and not failed, f"fixtures failed: {json.dumps(failed)[:2000]}")
        return f"{told['passed']} passed, {told['failed']} failed: {', '.join(r['name'] for r in told['results'])}"

    def _listed(self, answer: Answer) -> str:
        record = answer.body[0]
        expect(record["core_id"] == self.core_id, "the deployment is not on record")
        return f"{record['flow_version']} -> {record['core_id']} by {record['deployed_by']}"


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise StepOff(otherwise)
