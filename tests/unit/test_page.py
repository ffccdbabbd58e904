"""The files of the page at /docs: built from the package and the document, served as they are and no others."""

import base64
import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.get_docs.handler import serve
from tests.template import ROOT
from tools import guide, openapi

MOST = 6_000_000
"""What a function may answer, in bytes."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `sam build` makes, in a project that has nothing but the document."""
    project = tmp_path_factory.mktemp("project")
    (project / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "openapi.yaml", project / "docs")
    build = [sys.executable, str(ROOT / "functions" / "get_docs" / "build.py"), str(project / "built")]
    subprocess.run(build, check=True)
    assert (project / "built" / "handler.py").exists()
    return project / "built" / "files"


def answer(files: Path, path: str, encoding: str = "") -> dict[str, Any]:
    event = {"rawPath": path, "headers": {"Accept-Encoding": encoding}, "requestContext": {"requestId": "r"}}
    return serve(files, event)


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


def test_the_page_names_only_files_that_are_there(files: Path) -> None:
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
    assert guide.PAGE.read_text("utf-8") == guide.html(), "run `make openapi` and commit the page's guide"


def test_the_guide_is_a_page_with_chapters_that_can_be_linked(files: Path) -> None:
    page = content(answer(files, "/docs/guide.html")).decode()
    assert '<h2 id="time">Time</h2>' in page
    assert "<table>" in page


def test_the_document_is_the_committed_one(files: Path) -> None:
    assert json.loads(content(answer(files, "/openapi.json"))) == openapi.document()


@pytest.mark.parametrize(
    "path", ["/docs/handler.py", "/docs/..", "/docs/", "/docs/index.html.gz", "/docs/%2e%2e"]
)
def test_nothing_else_is_served(files: Path, path: str) -> None:
    response = answer(files, path)
    assert response["statusCode"] == 404
    assert json.loads(content(response))["code"] == "NOT_FOUND"


def test_a_build_outside_the_project_says_so(tmp_path: Path) -> None:
    build = [sys.executable, str(ROOT / "functions" / "get_docs" / "build.py"), str(tmp_path / "built")]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode != 0
    assert "docs/openapi.yaml" in done.stderr
