"""Requests from web pages of other origins, in a real browser."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import Origins, People
from tests.support import npm


@pytest.fixture(scope="module")
def responses(people: People, origins: Origins) -> dict[str, Any]:
    """Send requests from web pages; return the responses, or the errors, that the pages received."""
    browser = npm.browser()
    person = people.add("front-end", "USER")
    arguments = [people.stack.url, person.token, person.create_timeline()]
    for origin in origins:
        arguments += [origin.url, str(origin.listener.fileno())]
    sockets = [origin.listener for origin in origins]
    found: dict[str, Any] = json.loads(npm.run("node", "cors.mjs", browser, *arguments, sockets=sockets))
    return found


def test_a_page_of_an_allowed_origin_may_send_requests_with_all_methods(responses: dict[str, Any]) -> None:
    statuses = {name: responses[name].get("status") for name in ("created", "updated", "listed", "deleted")}
    assert statuses == dict.fromkeys(statuses, 200)
    assert responses["unchanged"]["status"] == 304
    assert responses["updated"]["body"]["data"]["name"] == "Seminar"


def test_a_page_can_read_the_etag_and_location_headers(responses: dict[str, Any]) -> None:
    assert responses["created"]["headers"]["etag"] == '"1"'
    assert responses["created"]["headers"]["location"].endswith(responses["created"]["body"]["data"]["id"])
    assert responses["updated"]["headers"]["etag"] == '"2"'


def test_a_page_can_read_the_request_id_of_an_error_in_the_body_and_in_a_header(
    responses: dict[str, Any],
) -> None:
    assert responses["conflict"]["status"] == 409
    assert responses["conflict"]["headers"]["x-request-id"] == responses["conflict"]["body"]["requestId"]


def test_the_browser_blocks_requests_with_cookies(responses: dict[str, Any]) -> None:
    """The API needs no cookies, because requests have their token in the Authorization header."""
    assert responses["withCookies"] == {"error": "TypeError"}


def test_the_browser_blocks_requests_from_origins_that_are_not_allowed(responses: dict[str, Any]) -> None:
    assert responses["stranger"] == {"error": "TypeError"}
