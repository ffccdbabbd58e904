"""A client in TypeScript, generated from the document by a common generator, compiles under the strictest rules."""

import shutil
from pathlib import Path

from tests.support import npm
from tests.support.template import ROOT


def test_a_generated_typescript_client_compiles(tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(npm.installed())
    for name in ("use.ts", "tsconfig.json"):
        shutil.copy(npm.CLIENT / name, tmp_path)
    npm.run(
        npm.tool("openapi-typescript"),
        str(ROOT / "docs" / "openapi.yaml"),
        "-o",
        str(tmp_path / "schema.d.ts"),
    )
    npm.run(npm.tool("tsc"), "--project", str(tmp_path / "tsconfig.json"), cwd=tmp_path)
