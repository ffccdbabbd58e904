"""Run of schemathesis with valid and invalid requests. schemathesis.toml disables one check and a part of a phase."""

import subprocess
import sys
from pathlib import Path

from tests.support.template import ROOT

CONFIG = Path(__file__).parent / "schemathesis.toml"


def fuzz(url: str, token: str, seconds: int) -> "subprocess.CompletedProcess[str]":
    """Run schemathesis for at most `seconds`. The return code is 0 if schemathesis finds no failure."""
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
            *("--checks", "all", "--mode", "all", "--max-time", str(seconds), "--request-timeout", "35"),
            *("--generation-database", "none", "--warnings", "off", "--no-color"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + 180,
    )
