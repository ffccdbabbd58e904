"""Calls from web pages of other origins, in a real browser."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import APP_ORIGIN, STRANGE_ORIGIN, People
from tests.support import npm


@pytest.fixture(scope="module")
def saw(people: People) -> dict[str, Any]:
    """Return what the web pages saw."""
    browser = npm.browser()
    person = people.new("front-end", "USER")
    arguments = (people.stack.url, person.token, person.timeline(), APP_ORIGIN, STRANGE_ORIGIN)
    seen: dict[str, Any] = json.loads(npm.run("node", "cors.mjs", browser, *arguments))
    return seen


def test_a_page_of_an_allowed_origin_may_send_every_kind_of_request(saw: dict[str, Any]) -> None:
    statuses = {name: saw[name].get("status") for name in ("created", "updated", "listed", "deleted")}
    assert statuses == dict.fromkeys(statuses, 200)
    assert saw["unchanged"]["status"] == 304
    assert saw["updated"]["body"]["data"]["name"] == "Seminar"


def test_a_page_reads_the_headers_that_an_app_needs(saw: dict[str, Any]) -> None:
    assert saw["created"]["headers"]["etag"] == '"1"'
    assert saw["created"]["headers"]["location"].endswith(saw["created"]["body"]["data"]["id"])
    assert saw["updated"]["headers"]["etag"] == '"2"'


def test_a_page_reads_the_request_id_of_a_failure_in_the_body_and_in_the_header(saw: dict[str, Any]) -> None:
    assert saw["conflict"]["status"] == 409
    assert saw["conflict"]["headers"]["x-request-id"] == saw["conflict"]["body"]["requestId"]


def test_the_browser_refuses_requests_with_cookies(saw: dict[str, Any]) -> None:
    """The API reads the token in the Authorization header and no cookies."""
    assert saw["withCookies"] == {"error": "TypeError"}


def test_the_browser_refuses_the_pages_of_other_origins(saw: dict[str, Any]) -> None:
    assert saw["stranger"] == {"error": "TypeError"}
