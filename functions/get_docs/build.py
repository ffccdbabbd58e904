"""Build the function: its handler and the files that it serves, compressed ahead.

    python build.py ARTIFACTS_DIR

Swagger UI's files come from the package swagger-ui-bundle-v2, the document from docs/openapi.yaml.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent
FROM_PACKAGE = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("usage: python build.py ARTIFACTS_DIR (`sam build` calls it)")
    artifacts = Path(sys.argv[1]).resolve()
    # SAM runs this in a copy of the function's folder; what is built lies below the project.
    document = next(
        (found for parent in artifacts.parents if (found := parent / "docs/openapi.yaml").exists()), None
    )
    if document is None:
        sys.exit(f"There is no docs/openapi.yaml above {artifacts}: build into a folder of the project.")
    try:
        import yaml
        from swagger_ui_bundle import swagger_ui_path
    except ImportError as error:
        sys.exit(f"{error}. Build with `make build`, or with .venv/bin first in the PATH after `make setup`.")

    files = artifacts / "files"
    files.mkdir(parents=True, exist_ok=True)
    shutil.copy(SOURCE / "handler.py", artifacts)
    for path in [*(SOURCE / "page").iterdir(), *(Path(swagger_ui_path) / name for name in FROM_PACKAGE)]:
        compress(path.read_bytes(), files / path.name)
    text = json.dumps(yaml.safe_load(document.read_text("utf-8")), ensure_ascii=False, separators=(",", ":"))
    compress(text.encode(), files / "openapi.json")


def compress(content: bytes, path: Path) -> None:
    """Write it as gzip, the same bytes for the same content."""
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))


if __name__ == "__main__":
    main()
