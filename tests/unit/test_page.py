"""The files of the page at /docs: built from the package and the document. No other file is served."""

import base64
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from functions.get_docs.handler import serve
from scheduling.http.event import read_event
from tests.support.template import ROOT
from tools import guide, openapi

MOST = 6_000_000
"""The largest answer of a function, in bytes."""


@pytest.fixture(scope="module")
def files() -> Iterator[Path]:
    """Build as `sam build` does, below .aws-sam, where the package is kept after the first time."""
    (ROOT / ".aws-sam").mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="page-", dir=ROOT / ".aws-sam") as built:
        build = [sys.executable, str(ROOT / "functions" / "get_docs" / "build.py"), built]
        subprocess.run(build, check=True)
        assert (Path(built) / "handler.py").exists()
        yield Path(built) / "files"


def answer(files: Path, path: str, encoding: str = "") -> dict[str, Any]:
    event = {"rawPath": path, "headers": {"Accept-Encoding": encoding}, "requestContext": {"requestId": "r"}}
    return serve(files, read_event(event))


def content(response: dict[str, Any]) -> bytes:
    return base64.b64decode(response["body"])


def test_each_file_is_served_small_enough_and_with_its_kind(files: Path) -> None:
    for stored in files.iterdir():
        name = stored.name.removesuffix(".gz")
        path = {"index.html": "/docs", "openapi.json": "/openapi.json"}.get(name, f"/docs/{name}")
        plain, packed = answer(files, path), answer(files, path, "gzip, br")
        assert plain["statusCode"] == packed["statusCode"] == 200
        assert content(plain) == gzip.decompress(content(packed))
        assert packed["headers"]["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain["headers"]
        assert len(json.dumps(plain)) < MOST
        assert plain["headers"]["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("encoding", ["gzip;q=0", "identity", "*;q=0", ""])
def test_a_client_that_refuses_gzip_gets_plain_text(files: Path, encoding: str) -> None:
    response = answer(files, "/docs", encoding)
    assert "Content-Encoding" not in response["headers"]
    assert content(response).startswith(b"<!")


def test_the_page_names_only_files_that_exist(files: Path) -> None:
    for path, pattern in (("/docs", r'"docs/([^"#]+)'), ("/docs/guide.html", r'(?:href|src)="([^"#/:]+)"')):
        page = content(answer(files, path)).decode()
        named = set(re.findall(pattern, page))
        assert named
        for name in named:
            assert answer(files, f"/docs/{name}")["statusCode"] == 200, name
        assert "<script>" not in page
        assert "style=" not in page


def test_the_licenses_of_swagger_ui_lie_beside_its_files(files: Path) -> None:
    assert "Apache License" in content(answer(files, "/docs/swagger-ui.LICENSE.txt")).decode()
    assert "SmartBear" in content(answer(files, "/docs/swagger-ui.NOTICE.txt")).decode()
    bundle = content(answer(files, "/docs/swagger-ui-bundle.js")).decode()
    (named,) = re.findall(r"see (\S+\.LICENSE\.txt)", bundle[:200])
    assert "MIT" in content(answer(files, f"/docs/{named}")).decode()


def test_the_committed_guide_is_the_rendered_guide() -> None:
    assert guide.PAGE.read_text("utf-8") == guide.render_guide(), (
        "run `make openapi` and commit the page's guide"
    )


def test_the_guide_is_a_page_with_chapters_that_can_be_linked(files: Path) -> None:
    page = content(answer(files, "/docs/guide.html")).decode()
    assert '<h2 id="time">Time</h2>' in page
    assert "<table>" in page


def test_the_document_is_the_committed_one(files: Path) -> None:
    assert json.loads(content(answer(files, "/openapi.json"))) == openapi.build_document()


@pytest.mark.parametrize(
    "path", ["/docs/handler.py", "/docs/..", "/docs/", "/docs/index.html.gz", "/docs/%2e%2e"]
)
def test_an_unknown_file_is_a_404(files: Path, path: str) -> None:
    response = answer(files, path)
    assert response["statusCode"] == 404
    assert json.loads(content(response))["code"] == "NOT_FOUND"


@pytest.mark.parametrize("event", [None, {}, [], {"rawPath": None, "headers": None, "requestContext": None}])
def test_a_malformed_event_is_a_404(files: Path, event: object) -> None:
    response = serve(files, read_event(event))
    assert (response["statusCode"], json.loads(content(response))["code"]) == (404, "NOT_FOUND")
