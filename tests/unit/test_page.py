"""Files of the page at /docs: Swagger UI, the OpenAPI document and the guide. `get_docs` serves no other files."""

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

MOST_BYTES = 6_000_000
"""The largest size of a response in the tests, in bytes. Lambda's limit is slightly higher: 6 MiB."""


@pytest.fixture(scope="module")
def files() -> Iterator[Path]:
    """Build the files as `sam build` does. Later builds reuse the package that the first build downloads."""
    (ROOT / ".aws-sam").mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="page-", dir=ROOT / ".aws-sam") as built:
        build = [sys.executable, str(ROOT / "functions" / "get_docs" / "build.py"), built]
        subprocess.run(build, check=True)
        assert (Path(built) / "handler.py").exists()
        yield Path(built) / "files"


def request_file(files: Path, path: str, encoding: str = "") -> dict[str, Any]:
    event = {"rawPath": path, "headers": {"Accept-Encoding": encoding}, "requestContext": {"requestId": "r"}}
    return serve(files, read_event(event))


def decode_body(response: dict[str, Any]) -> bytes:
    return base64.b64decode(response["body"])


def test_every_file_is_served_plain_and_compressed_within_the_size_limit(files: Path) -> None:
    for stored in files.iterdir():
        name = stored.name.removesuffix(".gz")
        path = {"index.html": "/docs", "openapi.json": "/openapi.json"}.get(name, f"/docs/{name}")
        plain, packed = request_file(files, path), request_file(files, path, "gzip, br")
        assert plain["statusCode"] == packed["statusCode"] == 200
        assert decode_body(plain) == gzip.decompress(decode_body(packed))
        assert packed["headers"]["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain["headers"]
        assert len(json.dumps(plain)) < MOST_BYTES
        assert plain["headers"]["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("encoding", ["gzip;q=0", "identity", "*;q=0", ""])
def test_a_client_that_does_not_accept_gzip_gets_an_uncompressed_page(files: Path, encoding: str) -> None:
    response = request_file(files, "/docs", encoding)
    assert "Content-Encoding" not in response["headers"]
    assert decode_body(response).startswith(b"<!")


def test_the_pages_refer_only_to_files_that_exist(files: Path) -> None:
    for path, pattern in (("/docs", r'"docs/([^"#]+)'), ("/docs/guide.html", r'(?:href|src)="([^"#/:]+)"')):
        page = decode_body(request_file(files, path)).decode()
        named = set(re.findall(pattern, page))
        assert named
        for name in named:
            assert request_file(files, f"/docs/{name}")["statusCode"] == 200, name
        assert "<script>" not in page
        assert "style=" not in page


def test_the_page_serves_the_licenses_of_swagger_ui(files: Path) -> None:
    assert "Apache License" in decode_body(request_file(files, "/docs/swagger-ui.LICENSE.txt")).decode()
    assert "SmartBear" in decode_body(request_file(files, "/docs/swagger-ui.NOTICE.txt")).decode()
    bundle = decode_body(request_file(files, "/docs/swagger-ui-bundle.js")).decode()
    (named,) = re.findall(r"see (\S+\.LICENSE\.txt)", bundle[:200])
    assert "MIT" in decode_body(request_file(files, f"/docs/{named}")).decode()


def test_the_committed_guide_is_the_rendered_guide() -> None:
    assert guide.PAGE.read_text("utf-8") == guide.render_guide(), (
        "run `make openapi` and commit functions/get_docs/page/guide.html"
    )


def test_the_page_of_the_guide_has_a_link_target_for_the_chapter_time_and_a_table(files: Path) -> None:
    page = decode_body(request_file(files, "/docs/guide.html")).decode()
    assert '<h2 id="time">Time</h2>' in page
    assert "<table>" in page


def test_the_served_document_is_the_generated_document(files: Path) -> None:
    assert json.loads(decode_body(request_file(files, "/openapi.json"))) == openapi.build_document()


@pytest.mark.parametrize(
    "path", ["/docs/handler.py", "/docs/..", "/docs/", "/docs/index.html.gz", "/docs/%2e%2e"]
)
def test_a_request_for_an_unknown_file_gets_a_404(files: Path, path: str) -> None:
    response = request_file(files, path)
    assert response["statusCode"] == 404
    assert json.loads(decode_body(response))["code"] == "NOT_FOUND"


@pytest.mark.parametrize("event", [None, {}, [], {"rawPath": None, "headers": None, "requestContext": None}])
def test_a_malformed_event_gets_a_404(files: Path, event: object) -> None:
    response = serve(files, read_event(event))
    assert (response["statusCode"], json.loads(decode_body(response))["code"]) == (404, "NOT_FOUND")
