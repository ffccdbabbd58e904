"""Query parameter `dryRun`, which the endpoint passes to the use case as a flag.

The response to a dry run has no `Location` and no `ETag`.
"""

from typing import Any

import pytest

from scheduling.domain import session
from scheduling.dto.create_session import CreateSession
from scheduling.dto.dry_run import DryRun
from scheduling.http.endpoint import endpoint
from scheduling.services.request import Request
from scheduling.services.results import EntityResult
from tests.functional.conftest import ANNA, one_time
from tests.support.api import handler


def send_post(query: str, headers: dict[str, str]) -> tuple[Request, dict[str, Any]]:
    """Send a POST; return the request that the use case received, and the response."""
    received: list[Request] = []

    @endpoint(session.view, body=CreateSession, query=DryRun, creates="/sessions")
    def create(request: Request) -> EntityResult:
        received.append(request)
        return EntityResult({"id": request.new_id, "version": 1})

    event = ANNA.event("create_session", "", one_time("a"), {}, headers) | {"rawQueryString": query}
    response = create(event, None)
    return received[0], response


def test_in_a_dry_run_the_use_case_receives_a_dry_run_flag_and_no_idempotency_key() -> None:
    request, response = send_post("dryRun=true", {"idempotency-key": "k"})
    assert request.dry_run is True
    assert "dryRun" not in request.fields
    assert request.idempotency is None
    assert response["statusCode"] == 200
    assert not {"Location", "ETag"} & set(response["headers"])


@pytest.mark.parametrize("query", ["", "dryRun=false"])
def test_a_request_is_not_a_dry_run_by_default(query: str) -> None:
    request, response = send_post(query, {"idempotency-key": "k"})
    assert request.dry_run is False
    assert request.idempotency is not None
    assert {"Location", "ETag"} <= set(response["headers"])


@pytest.mark.parametrize("function", ["create_session", "update_session"])
@pytest.mark.parametrize("value", ["yes", "1", "TRUE", ""])
def test_an_invalid_dry_run_value_gets_a_400(timeline: str, function: str, value: str) -> None:
    event = ANNA.event(function, timeline, {"name": "x"}, {}, {}) | {"rawQueryString": f"dryRun={value}"}
    response = handler(function)(event, None)
    assert response["statusCode"] == 400
    assert '"field":"dryRun","code":"WRONG_TYPE"' in response["body"]
