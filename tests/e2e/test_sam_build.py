"""`sam build` as in the README. Python on the PATH, which builds the layer, does not have this project's packages."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.support.checkout import copy_project


@pytest.fixture(scope="module")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return environment variables for a Python that has only pip, without the settings of this project."""
    plain = tmp_path_factory.mktemp("plain")
    venv.create(plain, with_pip=True)
    make = shutil.which("make")
    assert make, "the SAM CLI needs make"
    ours = ("AWS_", "SAM_CLI_", "LAYER_", "MAKE", "PYTHON", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join([str(plain / "bin"), str(Path(make).parent), "/usr/bin", "/bin"])
    return kept | {"PATH": path, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-west-1"}


@pytest.mark.e2e
@pytest.mark.slow
def test_sam_build_works_without_the_installed_packages_of_this_project(
    bare_environment: dict[str, str], tmp_path: Path
) -> None:
    project = copy_project(tmp_path / "a folder with spaces")
    done = subprocess.run(
        [sys.executable, "-m", "samcli", "build"],
        cwd=project,
        env=bare_environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    built = project / ".aws-sam" / "build"
    names = {path.name for path in (built / "GetDocsFunction" / "files").iterdir()}
    assert {"index.html.gz", "openapi.json.gz", "swagger-ui-bundle.js.gz", "swagger-ui.css.gz"} <= names
    layer = built / "SchedulingLayer" / "python"
    assert (layer / "scheduling" / "errors.py").is_file()
    assert list((layer / "pydantic_core").glob("*.cpython-313-aarch64-linux-gnu.so"))
