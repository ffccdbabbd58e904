"""The page at /docs in a real browser."""

import json
import os
from http import HTTPStatus

import httpx
import pytest

from local.stack import Stack
from tests.e2e.conftest import Person
from tests.support import npm


@pytest.mark.parametrize("place", ["root", "prefix"])
def test_a_session_is_created_and_listed_by_clicking(deployed: Stack, demo: Person, place: str) -> None:
    """The second address has a base path, as a custom domain may have.

    DOCS_SCREENSHOT=docs/docs-page.png writes the README's picture.
    """
    browser = npm.browser()
    picture = os.path.abspath(path) if (path := os.environ.get("DOCS_SCREENSHOT")) else ""
    token = deployed.token("USER")
    address = deployed.url if place == "root" else prefixed(deployed)
    saw = json.loads(npm.run("node", "page.mjs", browser, f"{address}/docs", token, picture))
    assert saw["complaints"] == [], "the console reports no breach of the content policy"
    assert saw["elsewhere"] == [], "the page loads nothing from other origins"
    assert saw["created"]["status"] == saw["listed"]["status"] == HTTPStatus.OK
    session = saw["created"]["body"]["data"]
    assert session in saw["listed"]["body"]["data"]
    assert session["id"] in saw["shown"]
    assert token not in saw["storedForOtherTabs"]
    assert "-X 'POST'" in saw["samples"]["curl"]
    assert "await fetch(" in saw["samples"]["JavaScript"]
    compile(saw["samples"]["Python"], "sample", "exec")
    assert "httpx.request(" in saw["samples"]["Python"]
    assert "SCHEDULING_CONFLICT" in saw["schemas"]
    assert "never" not in saw["schemas"].lower().replace("never changes", "")
    assert saw["guide"] == "Sign in"


def prefixed(stack: Stack) -> str:
    """Return the address of the same API at the emulator, where the path contains the stage."""
    return f"{stack.aws_url}/_aws/execute-api/{stack.outputs['ApiId']}/$default"


def test_the_page_needs_no_token_and_allows_only_its_own_files(deployed: Stack) -> None:
    page = httpx.get(f"{deployed.url}/docs", timeout=20, trust_env=False)
    policy = page.headers["Content-Security-Policy"]
    assert page.status_code == HTTPStatus.OK
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert 'src="/' not in page.text
    assert "://" not in page.text


def test_a_file_that_the_page_does_not_use_is_a_404(deployed: Stack) -> None:
    for path in ("docs/handler.py", "docs/index.html.gz", "docs/.."):
        missing = httpx.get(f"{deployed.url}/{path}", timeout=20, trust_env=False)
        assert missing.status_code == HTTPStatus.NOT_FOUND, path
        assert missing.json()["message"]


def test_the_committed_document_is_served_with_and_without_gzip(deployed: Stack) -> None:
    from tools import openapi

    for encoding in ("gzip", "identity"):
        answer = httpx.get(
            f"{deployed.url}/openapi.json", headers={"Accept-Encoding": encoding}, timeout=20, trust_env=False
        )
        assert answer.json() == openapi.build_document()
