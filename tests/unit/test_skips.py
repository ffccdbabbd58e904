"""Skipped tests, which fail the run in CI."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.template import ROOT

SKIPPING = {
    "test": "import pytest\ndef test_one() -> None:\n    pytest.skip('no such program')\n",
    "mark": "import pytest\n@pytest.mark.skip('no such program')\ndef test_one() -> None: ...\n",
    "fixture": "import pytest\n@pytest.fixture\ndef tool() -> None:\n    pytest.skip('no such program')\n"
    "def test_one(tool: None) -> None: ...\n",
    "module": "import pytest\npytest.skip('no such program', allow_module_level=True)\n",
}


EXPECTED_FAILURE = "import pytest\n@pytest.mark.xfail\ndef test_one() -> None:\n    raise AssertionError\n"


def run_pytest(folder: Path, **variables: str) -> str:
    """Run pytest with the hooks of this project on one file for each case, and return the summary."""
    for name, source in {**SKIPPING, "xfail": EXPECTED_FAILURE}.items():
        (folder / f"test_{name}.py").write_text(source)
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | variables
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "scheduling")])
    command = [sys.executable, "-m", "pytest", "-ra", "-p", "tests.support.no_skips", "-c", os.devnull, "."]
    command += ["--continue-on-collection-errors"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout.partition("short test summary info")[2]


def test_a_skipped_test_fails_the_run_in_ci_and_the_summary_names_the_reason(tmp_path: Path) -> None:
    summary = run_pytest(tmp_path, CI="true")
    assert summary.count("no such program") >= len(SKIPPING)
    closing = summary.splitlines()[-1]
    # If a test fails before its function runs, pytest counts an error instead of a failure.
    assert "1 failed, 1 xfailed, 3 errors" in closing
    assert "skipped" not in closing


def test_a_skipped_test_does_not_fail_the_run_outside_ci(tmp_path: Path) -> None:
    assert "4 skipped, 1 xfailed" in run_pytest(tmp_path).splitlines()[-1]
