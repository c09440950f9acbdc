"""The OpenAPI document is true: what it allows is answered, and every response is one it names."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.errors import ModelError, PipelineError, StoreUnavailable
from llm_engineering.serving.limits import Limits
from llm_engineering.serving.readiness import Check
from tests.unit.serving.oracle import Oracle, client
from tests.unit.serving.test_document_routes import House

ROOT = Path(__file__).parents[3]
SEED = 20260501
# what a schema cannot say of the requests that it allows
BEYOND_SCHEMA = (
    "may not be named",
    "published_from is after published_to",
    "this service keeps no history",
    "messages: the last one has",
    "a text is blank",
    "send 1 to 2048 texts",
    "answers are text",
)


def operations(app: TestClient) -> Iterator[Any]:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app.app)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        yield found.ok()


def explore(
    operation: Any, mode: GenerationMode, check: Callable[[Any], None], examples: int
) -> None:
    """Has requests made up, the same every time, and checks each."""

    @seed(SEED)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def made_up(case: Any) -> None:
        check(case)

    made_up()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_whatever_is_sent_the_response_is_a_documented_one(mode: GenerationMode) -> None:
    house = House(models=("local:tiny",), checks=(Check("m", ok),))
    key = house.key(Scope.ADMIN)
    seen = set()

    def check(case: Any) -> None:
        response = case.call(headers=key)
        case.validate_response(
            response, excluded_checks=[positive_data_acceptance], transport_kwargs={"headers": key}
        )
        if mode is GenerationMode.POSITIVE and response.status_code in (400, 422):
            assert any(reason in response.text for reason in BEYOND_SCHEMA), response.text
        seen.add((case.operation.label, response.status_code))

    for operation in operations(house.app):
        if mode is GenerationMode.POSITIVE or operation.label != "GET /readyz":
            explore(operation, mode, check, examples=12)
    expected = 200 if mode is GenerationMode.POSITIVE else 422
    assert {("POST /rag", expected), ("GET /documents", expected)} <= seen


def ok() -> None:
    """Finds nothing wrong."""


@pytest.mark.parametrize(
    ("deployment", "error", "status"),
    [
        ({}, StoreUnavailable("down"), 503),
        ({}, ModelError("down"), 502),
        ({}, PipelineError("not set up"), 500),
        ({"limits": Limits(concurrency=0)}, None, 429),
        ({"limits": Limits(deadline_s=-1.0)}, None, 504),
    ],
)
def test_failures_are_documented_too(
    deployment: dict[str, Any], error: Exception | None, status: int
) -> None:
    house = House(oracle=Oracle(error), **deployment)
    key = house.key(Scope.ADMIN)
    seen = set()

    def check(case: Any) -> None:
        response = case.call(headers=key)
        case.validate_response(
            response,
            excluded_checks=[not_a_server_error, positive_data_acceptance],
            transport_kwargs={"headers": key},
        )
        seen.add(response.status_code)

    for operation in operations(house.app):
        explore(operation, GenerationMode.POSITIVE, check, examples=2)
    assert status in seen


DOCUMENT: Mapping[str, Any] = client().get("/openapi.json").json()
OPERATIONS = [
    pytest.param(operation, id=f"{method} {path}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_route_shows_a_response_that_is_right(operation: Mapping[str, Any]) -> None:
    for content in operation["responses"]["200"]["content"].values():
        if "schema" in content:
            assert_valid(content["example"], content["schema"])
        else:
            assert content["example"].startswith(("event: sources\n", 'data: {"id": "chatcmpl-'))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_body_shows_a_request_that_is_right(operation: Mapping[str, Any]) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = schema_of(content["schema"])
        (example,) = schema["examples"]
        assert_valid(example, schema)


def schema_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    schemas: dict[str, Any] = DOCUMENT["components"]["schemas"]
    found: Mapping[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
    return found


def assert_valid(example: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    components = DOCUMENT["components"]
    jsonschema_rs.validate({**schema, "components": components}, dict(example))
    if "$ref" in schema:
        assert example.keys() <= schema_of(schema)["properties"].keys()


@pytest.mark.parametrize("path", list(DOCUMENT["paths"]))
def test_the_manual_names_every_route(path: str) -> None:
    manual = (ROOT / "docs/serving.md").read_text() + (ROOT / "docs/openai.md").read_text()
    assert re.sub(r"/{[^}]*}$", "", path) in manual
