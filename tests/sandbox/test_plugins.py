"""Plugins that really do something: drive, mail, queues, bunkers, HTTP, models."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import SandboxClient, step
from tests.sandbox.steps import call, queue


def test_drive_finds_reads_writes_and_lists(ada: SandboxClient) -> None:
    steps = [
        call("w", "scaidrive.write_file", path="mine/otters.md", content="Otters hold hands while they sleep"),
        call("s", "scaidrive.search", query="sleeping otters", limit=1),
        call("r", "scaidrive.read_file", path="{{s.results[0].path}}"),
        call("l", "scaidrive.list_files", folder="mine/"),
    ]

    output = ada.run(ada.deploy(steps), {})["output"]

    assert output["content"].startswith("Otters hold hands")
    assert output["results"][0]["score"] == 1.0
    assert output["files"] == ["mine/otters.md"]


def test_what_one_tenant_writes_another_does_not_find(ada: SandboxClient, olaf: SandboxClient) -> None:
    ada.run(ada.deploy([call("w", "scaidrive.write_file", path="x/y.md", content="zebrafish")]), {})

    found = olaf.run(olaf.deploy([call("s", "scaidrive.search", query="zebrafish")]), {})

    assert found["output"]["count"] == 0


def test_mail_goes_to_the_outbox(ada: SandboxClient) -> None:
    mail = call("m", "scaisend.send", to="{{input.to}}", subject="Hi", body="{{input}}")

    message_id = ada.run(ada.deploy([mail]), {"to": "eve@x.test"})["output"]["message_id"]

    sent = {one["id"]: one for one in ada.get("/sandbox/outbox").json["items"]}
    assert (sent[message_id]["to"], sent[message_id]["body"]) == ("eve@x.test", '{"to": "eve@x.test"}')


def test_publish_and_escalate_fill_the_queue(ada: SandboxClient) -> None:
    path = queue(ada, "filled")
    steps = [
        call("p", "scaiqueue.publish", scope="filled", queue="q", payload={"n": "{{input.n}}"}, priority="low"),
        call("e", "scaiqueue.escalate", scope="filled", queue="q", reason="too hard"),
    ]

    ada.run(ada.deploy(steps), {"n": 3})

    first, second = ada.get(f"{path}/messages").data
    assert first["payload"] == {"n": 3}
    assert (second["message_type"], second["reason"]) == ("escalation", "too hard")


def test_publishing_to_a_queue_that_is_not_there_fails_the_run(ada: SandboxClient) -> None:
    answer = ada.invoke(ada.deploy([call("p", "scaiqueue.publish", scope="no", queue="no")]), {})

    assert (answer.status, answer.json["error"]["node_id"]) == (422, "p")


def test_a_bunker_keeps_files_and_runs_a_few_commands(ada: SandboxClient) -> None:
    steps = [
        call("w", "scaibunker.write_file", path="in/a.txt", content="one\ntwo\n"),
        call("c", "scaibunker.exec", command=["wc", "-l", "in/a.txt"]),
        call("r", "scaibunker.read_file", path="in/a.txt"),
    ]

    output = ada.run(ada.deploy(steps), {})["output"]

    assert (output["stdout"], output["exit_code"], output["content"]) == ("2 in/a.txt\n", 0, "one\ntwo\n")


@pytest.mark.parametrize(
    ("command", "code", "stdout"),
    [
        ("echo a 'b c'", 0, "a b c\n"),
        (["echo", "$HOME", "; ls"], 0, "$HOME ; ls\n"),
        ("expr 2 * 21", 0, "42\n"),
        ("expr 3 > 5", 2, ""),
        (["expr", "3", ">", "5"], 1, "0\n"),
        (["expr", "1", "/", "0"], 2, ""),
        ("true", 0, ""),
        ("false", 1, ""),
        ("cat missing", 1, ""),
        ("cat ../../../etc/passwd", 1, ""),
        ("cat /etc/passwd", 1, ""),
        ("ls | wc", 2, ""),
        ("python -c 'print(1)'", 127, ""),
        ("echo 'open", 1, ""),
        ([], 2, ""),
        (["head", "-n", "x", "f"], 1, ""),
    ],
)
def test_a_command_is_run_without_a_shell(ada: SandboxClient, command: Any, code: int, stdout: str) -> None:
    output = ada.run(ada.deploy([call("c", "scaibunker.exec", command=command)]), {})["output"]

    assert (output["exit_code"], output["stdout"]) == (code, stdout)


def test_http_goes_to_the_echo_and_to_allowed_hosts_only(ada: SandboxClient) -> None:
    echo = call("e", "http.request", method="post", url="http://echo.sandbox.test/a?b=1", body={"n": "{{input.n}}"})
    away = call("x", "http.request", method="GET", url="{{input.url}}")

    assert ada.run(ada.deploy([echo]), {"n": 1})["output"]["body"] == {
        "method": "POST",
        "path": "/a",
        "query": "b=1",
        "headers": {},
        "body": {"n": 1},
    }
    core_id = ada.deploy([away])
    for url in ("http://example.com/", "http://127.0.0.1:1/", "file:///etc/passwd", "http://"):
        assert ada.invoke(core_id, {"url": url}).status == 422


def test_the_queues_page_shows_messages_and_mail(ada: SandboxClient) -> None:
    path = queue(ada, "on-page")
    ada.post(f"{path}/messages", {"payload": "look-at-me"})
    ada.run(ada.deploy([call("m", "scaisend.send", to="a", subject="see-this-subject", body="b")]), {})

    page = ada.get("/sandbox/queues").text

    assert "look-at-me" in page
    assert "see-this-subject" in page


def test_a_turn_over_its_budget_fails(ada: SandboxClient) -> None:
    turn = {**step("t", llm_turn="Read it", output_schema={"summary": "string"}), "budget": {"max_tokens": 20}}
    core_id = ada.deploy([turn])

    assert ada.invoke(core_id, {"message": "short"}).status == 200
    assert "budget is 20" in ada.invoke(core_id, {"message": "long " * 30}).json["error"]["message"]
