from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import SandboxClient, manifest, step

CORES = "/v1/modules/scaicore/cores"


def rigid(text: str) -> list[dict[str, Any]]:
    return [step("node_say", rigid={"template": text})]


def test_a_manifest_becomes_a_core_and_can_be_read_back(ada: SandboxClient) -> None:
    text = manifest(rigid("hello"), name="read-back")

    made = ada.send_yaml("POST", CORES, text)

    assert made.status == 201
    assert made.data["slug"] == "read-back"
    assert ada.get(f"{CORES}/{made.data['id']}").data["manifest"] == text


def test_a_taken_slug_is_409_and_is_found_in_the_list(ada: SandboxClient) -> None:
    core_id = ada.deploy(rigid("one"), name="taken")

    again = ada.send_yaml("POST", CORES, manifest(rigid("two"), name="taken"))

    assert (again.status, again.code) == (409, "SLUG_CONFLICT")
    listed = {core["slug"]: core["id"] for core in ada.get(f"{CORES}?limit=500").data}
    assert listed["taken"] == core_id


def test_put_replaces_what_the_core_does(ada: SandboxClient) -> None:
    core_id = ada.deploy(rigid("before"), name="replaced")

    answer = ada.send_yaml("PUT", f"{CORES}/{core_id}", manifest(rigid("after"), name="replaced"))

    assert answer.data["version"] == 2
    assert ada.run(core_id, {})["output"] == {"text": "after"}


def test_a_renamed_core_gives_its_slug_free(ada: SandboxClient) -> None:
    core_id = ada.deploy(rigid("x"), name="old-name")
    ada.send_yaml("PUT", f"{CORES}/{core_id}", manifest(rigid("x"), name="new-name"))

    assert ada.deploy(rigid("y"), name="old-name") != core_id


def test_put_of_an_unknown_core_is_404(ada: SandboxClient) -> None:
    assert ada.send_yaml("PUT", f"{CORES}/core_nope", manifest(rigid("x"))).status == 404


def test_publish_names_slug_and_model_and_only_once(ada: SandboxClient) -> None:
    core_id = ada.deploy(rigid("x"), name="chatty")

    done = ada.post(f"{CORES}/{core_id}/publish", {"group_ids": []})
    again = ada.post(f"{CORES}/{core_id}/publish", {"group_ids": []})

    assert done.data["published_slug"] == "scaicore/demo/chatty"
    assert done.data["published_model_id"].startswith("model_")
    assert again.status == 400
    assert "already published" in again.json["error"]["message"]
    assert ada.get(f"{CORES}/{core_id}").data["metadata"]["published_slug"] == "scaicore/demo/chatty"


def test_unpublish_takes_the_model_out_of_the_catalogue(ada: SandboxClient) -> None:
    core_id = ada.deploy(rigid("x"), name="gone-soon")
    ada.post(f"{CORES}/{core_id}/publish")
    assert "scaicore/demo/gone-soon" in {model["slug"] for model in ada.get("/v1/models").data}

    ada.post(f"{CORES}/{core_id}/unpublish")

    assert "scaicore/demo/gone-soon" not in {model["slug"] for model in ada.get("/v1/models").data}


def test_a_model_of_a_group_is_seen_by_its_members_only(ada: SandboxClient, vera: SandboxClient) -> None:
    core_id = ada.deploy(rigid("x"), name="for-finance")
    ada.post(f"{CORES}/{core_id}/publish", {"group_ids": ["grp_finance"]})

    assert "scaicore/demo/for-finance" in {model["slug"] for model in ada.get("/v1/models").data}
    assert "scaicore/demo/for-finance" not in {model["slug"] for model in vera.get("/v1/models").data}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/publish"),
        ("POST", "/unpublish"),
        ("POST", "/invoke"),
    ],
)
def test_another_tenant_never_sees_a_core(ada: SandboxClient, olaf: SandboxClient, method: str, path: str) -> None:
    core_id = ada.deploy(rigid("secret"))

    answer = olaf.send(method, f"{CORES}/{core_id}{path}", "{}", Content_Type="application/json")

    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_two_tenants_may_use_the_same_slug(ada: SandboxClient, olaf: SandboxClient) -> None:
    assert ada.deploy(rigid("x"), name="both") != olaf.deploy(rigid("x"), name="both")


def test_a_viewer_may_look_but_not_deploy(ada: SandboxClient, vera: SandboxClient) -> None:
    core_id = ada.deploy(rigid("x"))

    assert vera.get(f"{CORES}/{core_id}").status == 200
    refused = vera.send_yaml("POST", CORES, manifest(rigid("x")))
    assert (refused.status, refused.code) == (403, "PERMISSION_DENIED")
    assert vera.invoke(core_id, {}).status == 403


def test_an_api_key_acts_for_its_tenant(ada: SandboxClient, sandbox_url: str) -> None:
    keys = ada.get("/sandbox/state").json["api_keys"]
    core_id = ada.deploy(rigid("x"))

    assert SandboxClient(sandbox_url, keys["tnt_demo"]).get(f"{CORES}/{core_id}").status == 200
    assert SandboxClient(sandbox_url, keys["tnt_other"]).get(f"{CORES}/{core_id}").status == 404


@pytest.mark.parametrize("token", [None, "rubbish", "sgk_unknown", "a.b.c"])
def test_without_a_good_credential_it_is_401_in_the_error_envelope(sandbox_url: str, token: str | None) -> None:
    answer = SandboxClient(sandbox_url, token).get(CORES)

    assert answer.status == 401
    assert answer.json["status"] == "error"
    assert answer.json["meta"]["request_id"]


def test_a_body_that_is_not_yaml_by_its_type_is_415(ada: SandboxClient) -> None:
    assert ada.send("POST", CORES, manifest(rigid("x")), Content_Type="application/json").status == 415


@pytest.mark.parametrize("body", ["", "just text", "core: [", "core: {}", "core: {name: x, flows: []}", "a: &a [*a]"])
def test_what_is_no_manifest_is_a_compile_error(ada: SandboxClient, body: str) -> None:
    answer = ada.send_yaml("POST", CORES, body)

    assert (answer.status, answer.code) == (400, "COMPILE_ERROR")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"teleport": {}}, "unknown step kind (teleport)"),
        ({"rigid": {"template": "a"}, "set": {}}, "unknown step kind"),
        ({"plugin_call": {"alias": "scaidrive", "method": "search", "args": {}}}, "missing required arg 'query'"),
        ({"plugin_call": {"alias": "other", "method": "go", "args": {}}}, "plugin 'other' is not declared"),
        ({"llm_turn": "Go", "llm_role": "wise"}, "llm_role='wise' is not declared"),
        ({"llm_turn": "Go", "output_schema": {"a": "colour"}}, "unknown type 'colour'"),
        ({"match": {"cases": [{"when": "a >", "steps": []}]}}, "unexpected end"),
        ({"rigid": {"template": "{{ a +"}}, "without '}}'"),
        ({"while": {"condition": "true", "steps": []}}, "while loop missing max_iterations"),
        ({"foreach": {"steps": []}}, "items is required"),
        ({"core_call": {"target": "http://x"}}, "core://{tenant}/{slug}"),
        ({"match": {"cases": [{"when": "a", "steps": [{"nope": 1}]}]}}, "match.cases[0].steps[0]"),
    ],
)
def test_the_verifier_names_the_step_and_what_is_wrong(ada: SandboxClient, bad: dict[str, Any], message: str) -> None:
    steps = [*rigid("fine"), {**bad, "meta": {"node_id": "node_bad"}}]

    answer = ada.send_yaml("POST", CORES, manifest(steps))

    assert (answer.status, answer.code) == (400, "VERIFIER_ERROR")
    assert "steps[1]" in answer.json["error"]["message"]
    assert message in answer.json["error"]["message"]


def test_the_verifier_tells_all_problems_at_once(ada: SandboxClient) -> None:
    answer = ada.send_yaml("POST", CORES, manifest([{"one": 1}, {"two": 2}]))

    assert [detail["field"] for detail in answer.json["error"]["details"]] == ["steps[0]", "steps[1]"]


DEEP = '{"input": ' + '{"a":' * 500 + "1" + "}" * 501


@pytest.mark.parametrize("body", ["{}", '{"input": 3}', "[]", "no json", DEEP, "[" * 100_000])
def test_invoke_needs_an_input_object(ada: SandboxClient, body: str) -> None:
    core_id = ada.deploy(rigid("x"))

    assert ada.send("POST", f"{CORES}/{core_id}/invoke", body).status in (400, 422)


def test_a_run_that_fails_tells_the_node(ada: SandboxClient) -> None:
    core_id = ada.deploy([step("node_divide", set={"x": "1 / 0"})])

    answer = ada.invoke(core_id, {})

    assert (answer.status, answer.code) == (422, "EXECUTION_FAILED")
    assert answer.json["error"]["node_id"] == "node_divide"
    assert "division by zero" in answer.json["error"]["message"]


def test_each_executed_node_is_in_the_events_once_and_in_order(ada: SandboxClient) -> None:
    choose = step("node_choose", match={"cases": [{"when": "n > 1", "steps": [step("node_many", set={"s": "'m'"})]}]})
    core_id = ada.deploy([step("node_first", set={"n": "input.n"}), choose, step("node_last", rigid={"template": "."})])

    ada.run(core_id, {"n": 2})

    events = ada.events(core_id)
    entered = [event["payload"]["node_id"] for event in events if event["type"].endswith("block.entered")]
    exited = [event["payload"]["node_id"] for event in events if event["type"].endswith("block.exited")]
    assert entered == ["node_first", "node_choose", "node_many", "node_last"]
    assert exited == ["node_first", "node_many", "node_choose", "node_last"]
    assert events[0]["type"] == "scaicore.runtime.invocation.started"
    assert events[-1]["type"] == "scaicore.runtime.invocation.completed"


def test_events_page_to_the_end_without_gap_or_repetition(ada: SandboxClient) -> None:
    core_id = ada.deploy([step(f"node_{n}", set={"x": str(n)}) for n in range(10)])
    ada.run(core_id, {})
    path, seen = f"/v1/modules/scaicore/events?core_id={core_id}&limit=7", []

    cursor: str | None = ""
    while cursor is not None:
        page = ada.get(f"{path}&cursor={cursor}").data
        seen += [event["id"] for event in page["events"]]
        cursor = page["next_cursor"]

    assert len(seen) == len(set(seen)) == 22
    assert list(reversed(seen)) == [event["id"] for event in ada.events(core_id)]


def test_the_events_of_another_tenant_are_404(ada: SandboxClient, olaf: SandboxClient) -> None:
    core_id = ada.deploy(rigid("x"))

    assert olaf.get(f"/v1/modules/scaicore/events?core_id={core_id}").status == 404
