"""Linters of OpenAPI documents, which must have no findings in docs/openapi.yaml."""

from tests.support import npm
from tests.support.template import ROOT

DOCUMENT = str(ROOT / "docs" / "openapi.yaml")


def test_the_linter_spectral_has_no_findings() -> None:
    ruleset = str(npm.CLIENT / "spectral.yaml")
    found = npm.run(npm.tool("spectral"), "lint", DOCUMENT, "--ruleset", ruleset, "--fail-severity", "hint")
    assert "No results" in found


def test_the_linter_redocly_has_no_findings() -> None:
    found = npm.run(
        npm.tool("redocly"), "lint", DOCUMENT, "--extends", "recommended-strict", "--format", "json"
    )
    assert '"problems": []' in found
