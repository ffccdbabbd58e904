"""Run of schemathesis with valid and invalid requests. schemathesis.toml disables one check and a part of a phase."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.template import ROOT

CONFIG = Path(__file__).parent / "schemathesis.toml"


def fuzz(url: str, token: str, limits: Sequence[str], timeout: float) -> "subprocess.CompletedProcess[str]":
    """Run schemathesis with docs/openapi.yaml. The return code is 0 if schemathesis finds no failure.

    `limits` has the options that limit the number of requests. The run fails after `timeout` seconds.
    """
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
            *(
                "run",
                str(ROOT / "docs" / "openapi.yaml"),
                "--url",
                url,
                "-H",
                f"Authorization: Bearer {token}",
            ),
            *("--checks", "all", "--mode", "all", *limits, "--request-timeout", "35"),
            *("--generation-database", "none", "--warnings", "off", "--no-color"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
