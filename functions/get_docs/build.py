"""Build script of the function get_docs: copies the handler and compresses the files of the page.

    python build.py ARTIFACTS_DIR

The files of Swagger UI come from a package that pip installs once into `.aws-sam/`. `make openapi` writes
page/openapi.json and page/guide.html.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent
REQUIREMENTS = SOURCE / "requirements.txt"
FROM_PACKAGE = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the machine that builds may have an older Python
        sys.exit(f"{sys.executable} is too old. Build with another Python: `PYTHON=python3.13 sam build`.")
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("usage: python build.py ARTIFACTS_DIR (`sam build` runs this command)")
    artifacts = Path(sys.argv[1]).resolve()
    package = fetch_package(artifacts)
    files = artifacts / "files"
    files.mkdir(parents=True, exist_ok=True)
    shutil.copy(SOURCE / "handler.py", artifacts)
    for path in [*(SOURCE / "page").iterdir(), *(next(package.rglob(name)) for name in FROM_PACKAGE)]:
        compress(path.read_bytes(), files / path.name)


def fetch_package(artifacts: Path) -> Path:
    """Return the folder of the pinned package. On first use, pip installs the package and checks its hash."""
    key = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    store = next((parent for parent in artifacts.parents if parent.name == ".aws-sam"), artifacts.parent)
    ready = store / "dependencies" / f"docs-{key}"
    if ready.exists():
        return ready
    half = ready.with_name(f"{ready.name}.{os.getpid()}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"]
    command += ["--target", str(half), "--requirement", str(REQUIREMENTS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"pip could not fetch Swagger UI:\n{done.stderr.strip()}")
        try:
            half.rename(ready)
        except OSError:
            if not ready.exists():  # another build may have finished first
                raise
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return ready


def compress(content: bytes, path: Path) -> None:
    """Write the content as gzip. The same content always gives the same bytes."""
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))


if __name__ == "__main__":
    main()
