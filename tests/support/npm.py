"""Tools from npm for tests, pinned in tests/client/package-lock.json and installed on first use."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from socket import socket

import pytest

CLIENT = Path(__file__).parents[2] / "tests" / "client"


def skip_without(what: str) -> None:
    """Skip the test, and say how to install the missing program."""
    pytest.skip(f"Install {what} to run this test (Debian: apt-get install {what}).")


def install() -> Path:
    """Return the folder of the installed packages. Skip the test on a machine without npm."""
    npm = shutil.which("npm")
    if npm is None:
        skip_without("npm")
    packages, wanted = CLIENT / "node_modules", (CLIENT / "package-lock.json").read_bytes()
    stamp = packages / ".wanted"
    with (CLIENT / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test process may be installing the packages
        if not stamp.exists() or stamp.read_bytes() != wanted:
            run(str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts")
            stamp.write_bytes(wanted)
    return packages


def browser() -> str:
    """Return the path of Chromium. Skip the test on a machine without npm or Chromium."""
    install()
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        skip_without("chromium")
    return str(found)


def run(
    *command: str,
    cwd: Path = CLIENT,
    environment: Mapping[str, str] | None = None,
    sockets: Sequence[socket] = (),
) -> str:
    """Run a command and return its output. Fail the test if the command fails.

    The command inherits the sockets, with the same file descriptors.
    """
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **quiet, **(environment or {})},
        pass_fds=[one.fileno() for one in sockets],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def tool(name: str) -> str:
    """Return the path of an installed command."""
    return str(install() / ".bin" / name)
