"""Page at /docs in a real browser."""

import json
import os
import re
from http import HTTPStatus

import httpx
import pytest

from local.stack import Stack
from tests.e2e.conftest import TIMEOUT_SECONDS, Person
from tests.support import npm


@pytest.mark.parametrize("place", ["root", "prefix"])
def test_a_person_creates_and_lists_a_session_on_the_docs_page(
    shared_stack: Stack, demo: Person, place: str
) -> None:
    """Open the page without and with a base path, because a custom domain may have a base path.

    With DOCS_SCREENSHOT=docs/docs-page.png, also write the picture for the README.
    """
    browser = npm.browser()
    picture = os.path.abspath(path) if (path := os.environ.get("DOCS_SCREENSHOT")) else ""
    token = shared_stack.token("USER")
    address = shared_stack.url if place == "root" else address_with_base_path(shared_stack)
    shown = json.loads(npm.run("node", "page.mjs", browser, f"{address}/docs", token, picture))
    assert shown["complaints"] == [], "the browser must report no breach of the content security policy"
    assert shown["elsewhere"] == [], "the page must load nothing from other origins"
    assert shown["created"]["status"] == shown["listed"]["status"] == HTTPStatus.OK
    session = shown["created"]["body"]["data"]
    assert session in shown["listed"]["body"]["data"]
    assert session["id"] in shown["shown"]
    assert token not in shown["storedForOtherTabs"]
    assert "-X 'POST'" in shown["samples"]["curl"]
    assert "await fetch(" in shown["samples"]["JavaScript"]
    compile(shown["samples"]["Python"], "sample", "exec")
    assert "httpx.request(" in shown["samples"]["Python"]
    assert "SCHEDULING_CONFLICT" in shown["schemas"]
    assert not re.search(r"\bnever\b(?! changes| ends)", shown["schemas"].lower())
    assert shown["guide"] == "Sign in"


def address_with_base_path(stack: Stack) -> str:
    """Return the address of the API at the emulator. This address has a base path, which contains the stage."""
    return f"{stack.aws_url}/_aws/execute-api/{stack.outputs['ApiId']}/$default"


def test_the_docs_page_needs_no_token_and_loads_only_its_own_files(shared_stack: Stack) -> None:
    page = httpx.get(f"{shared_stack.url}/docs", timeout=TIMEOUT_SECONDS, trust_env=False)
    policy = page.headers["Content-Security-Policy"]
    assert page.status_code == HTTPStatus.OK
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert 'src="/' not in page.text
    assert "://" not in page.text


def test_a_file_that_the_page_does_not_use_gets_a_404(shared_stack: Stack) -> None:
    for path in ("docs/handler.py", "docs/index.html.gz", "docs/.."):
        missing = httpx.get(f"{shared_stack.url}/{path}", timeout=TIMEOUT_SECONDS, trust_env=False)
        assert missing.status_code == HTTPStatus.NOT_FOUND, path
        assert missing.json()["message"]


def test_the_openapi_document_is_served_with_and_without_gzip(shared_stack: Stack) -> None:
    from tools import openapi

    for encoding in ("gzip", "identity"):
        answer = httpx.get(
            f"{shared_stack.url}/openapi.json",
            headers={"Accept-Encoding": encoding},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )
        assert answer.json() == openapi.build_document()
