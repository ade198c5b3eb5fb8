"""The OpenAPI document: complete, valid, up to date, and what the server does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.contrib.staticfiles import finders
from openapi_spec_validator import OpenAPIV31SpecValidator

from scaiflow.console.reference.document import document
from scaiflow.kit.openapi import TableSchema, Undescribed
from scaiflow.kit.views import ApiView
from tests.conformance import parsed, resolved, validator
from tests.conftest import Caller
from tests.test_permissions import TABLE, methods_of, routes

ROOT = Path(__file__).parents[1]
CALLS = [(road, method, call) for road, calls in parsed()["paths"].items() for method, call in calls.items()]


def test_the_committed_document_is_what_the_views_say() -> None:
    committed = json.loads((ROOT / "docs/openapi.json").read_bytes())
    assert committed == json.loads(document()), "run `make openapi` and commit docs/openapi.json"


def test_it_is_valid_openapi() -> None:
    assert parsed()["openapi"] == "3.1.0"
    assert [error.message for error in OpenAPIV31SpecValidator(parsed()).iter_errors()] == []


def test_every_route_of_the_api_is_in_it_with_all_its_methods() -> None:
    for road, view in routes():
        if hasattr(view, "view_class") and issubclass(view.view_class, ApiView):
            told = parsed()["paths"]["/" + road.replace("<id:", "{").replace(">", "}")]
            assert set(told) == {method.lower() for method in methods_of(view)} - {"head"}, road


def test_a_view_without_an_entry_stops_the_build() -> None:
    class Silent(ApiView):
        permissions: ClassVar[dict[str, str]] = {"GET": "scaicore:view"}

    inspector = TableSchema()
    inspector.view, inspector.method, inspector.path = Silent(), "GET", "/api/v1/silent"
    with pytest.raises(Undescribed, match="Silent.calls has no entry"):
        inspector.get_operation_id()


def test_every_call_has_a_name_of_its_own_a_summary_and_its_errors() -> None:
    names = [call["operationId"] for _, _, call in CALLS]
    assert len(set(names)) == len(names)
    for road, method, call in CALLS:
        assert call["summary"], (road, method)
        assert {"400", "405", "500", "503"} <= set(call["responses"]), (road, method)
        if call.get("security") == [{"bearer": []}]:
            assert "401" in call["responses"], (road, method)


def test_the_rights_of_the_table_are_told() -> None:
    public = {(row.method, row.path.partition("?")[0]) for row in TABLE if row.needs == "public"}
    for road, method, call in CALLS:
        if (method.upper(), road) in public:
            assert call.get("security", []) != [{"bearer": []}], road
        else:
            assert call["security"] == [{"bearer": []}], road


def bodies() -> list[Any]:
    found = []
    for road, method, call in CALLS:
        answers = {status: resolved(told) for status, told in call["responses"].items()}
        holders = {"request": call.get("requestBody", {}), **answers}
        found += [
            pytest.param(media, id=f"{method} {road} {which}")
            for which, holder in holders.items()
            for kind, media in holder.get("content", {}).items()
            if kind == "application/json"
        ]
    return found


@pytest.mark.parametrize("media", bodies())
def test_every_body_has_an_example_and_the_example_fits(media: dict[str, Any]) -> None:
    examples = (
        [media["example"]] if "example" in media else [one["value"] for one in media.get("examples", {}).values()]
    )
    assert examples or media["schema"] == {}, "an upstream's body may be anything; all else has an example"
    for example in examples:
        assert [error.message for error in validator(json.dumps(media["schema"])).iter_errors(example)] == []


@pytest.mark.django_db
def test_it_is_served_and_so_is_a_page_to_read_it_on(stranger: Caller) -> None:
    assert stranger.get("/api/openapi.json").json() == parsed()
    page = stranger.get("/api/docs")
    assert page["Content-Type"].startswith("text/html")
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    text = page.content.decode()
    assert "<style" not in text
    assert "style=" not in text
    assert "<script>" not in text
    for asset in ("drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js", "console/docs.js"):
        assert f'src="/static/{asset}"' in text
        assert finders.find(asset)
        served = stranger.get(f"/static/{asset}")
        assert served.status_code == 200
        served.close()
