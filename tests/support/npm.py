"""The few tools from npm that tests use, pinned in tests/client/package-lock.json and installed when first needed."""

import shutil
import subprocess
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[2] / "tests" / "client"


def missing(what: str) -> None:
    """Skip the test because the machine lacks a program."""
    pytest.skip(f"needs {what}")


def installed() -> Path:
    """The folder of the installed packages. Skips where there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        missing("npm")
    packages, wanted = CLIENT / "node_modules", (CLIENT / "package-lock.json").read_bytes()
    stamp = packages / ".wanted"
    if not stamp.exists() or stamp.read_bytes() != wanted:
        run(str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        stamp.write_bytes(wanted)
    return packages


def run(*command: str, cwd: Path = CLIENT) -> str:
    """What a command says. Fails with all of it when the command does."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def tool(name: str) -> str:
    """The path of an installed command."""
    return str(installed() / ".bin" / name)
