"""Clients that four generators create from docs/openapi.yaml. The clients pass strict type checks and call the API."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.conftest import People
from tests.support import npm
from tests.support.template import ROOT

DOCUMENT = str(ROOT / "docs" / "openapi.yaml")
REQUIREMENTS = ROOT / "requirements" / "clients.txt"
VENV = ROOT / ".local" / "clients"
EXPECTED = {
    "created": "Workshop",
    "listed": "2031-01-01T09:00:00Z",
    "count": 1,
    "read": "ONE_TIME",
    "updated": "Seminar",
    "deleted": True,
    "refused": ["Workshop"],
}
WARNINGS = ("warn", "deprecated", "skipping")


@pytest.fixture
def environment(people: People) -> Mapping[str, str]:
    """Return the environment variables of a client program: the API, a token, and an empty timeline."""
    person = people.add(f"client-{uuid4()}", "USER")
    return {
        "API": people.stack.url,
        "TOKEN": person.token,
        "TIMELINE": person.create_timeline(),
        "DOCUMENT": DOCUMENT,
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture(scope="session")
def client_generator() -> Path:
    """Install openapi-python-client in a separate venv on first use; return the folder of its commands."""
    stamp, wanted = VENV / "wanted.txt", REQUIREMENTS.read_bytes()
    if not stamp.exists() or stamp.read_bytes() != wanted:
        npm.run(sys.executable, "-m", "venv", "--clear", str(VENV))
        pip = (str(VENV / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check")
        npm.run(*pip, "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS))
        stamp.write_bytes(wanted)
    return VENV / "bin"


@pytest.mark.parametrize(
    ("program", "command"),
    [
        (
            "openapi_typescript",
            ["openapi-typescript", DOCUMENT, "-o", "generated/openapi_typescript/schema.d.ts"],
        ),
        ("hey_api", ["openapi-ts", "-i", DOCUMENT, "-o", "generated/hey_api"]),
        ("orval", ["orval", "--config", "orval.config.ts"]),
    ],
)
def test_a_generated_typescript_client_compiles_and_calls_the_api(
    environment: Mapping[str, str], tmp_path: Path, program: str, command: list[str]
) -> None:
    (tmp_path / "node_modules").symlink_to(npm.install())
    for name in (f"{program}.ts", "environment.ts", "orval.config.ts", "tsconfig.json", "package.json"):
        shutil.copy(npm.CLIENT / name, tmp_path)
    generated = npm.run(npm.tool(command[0]), *command[1:], cwd=tmp_path, environment=environment)
    assert not [word for word in WARNINGS if word in generated.lower()], generated
    # Code that hey-api generates does not compile with this flag, which is not part of `strict`.
    stricter = [] if program == "hey_api" else ["--exactOptionalPropertyTypes"]
    npm.run(npm.tool("tsc"), "--project", "tsconfig.json", *stricter, cwd=tmp_path)
    bundle = ("--bundle", "--format=esm", "--platform=node", "--outfile=program.mjs")
    npm.run(npm.tool("esbuild"), f"{program}.ts", *bundle, "--log-level=error", cwd=tmp_path)
    assert json.loads(npm.run("node", "program.mjs", cwd=tmp_path, environment=environment)) == EXPECTED


def test_a_generated_python_client_passes_mypy_and_calls_the_api(
    environment: Mapping[str, str], client_generator: Path, tmp_path: Path
) -> None:
    path = {"PATH": f"{client_generator}:/usr/bin:/bin"}
    command = ("generate", "--path", DOCUMENT, "--output-path", "generated", "--fail-on-warning")
    generated = npm.run(
        str(client_generator / "openapi-python-client"), *command, cwd=tmp_path, environment=path
    )
    assert not [word for word in WARNINGS if word in generated.lower()], generated
    program = npm.CLIENT / "openapi_python_client.py"
    strict = ("--strict", "--config-file", "", "--python-executable", str(client_generator / "python"))
    package = {"MYPYPATH": str(tmp_path / "generated")}
    npm.run(sys.executable, "-m", "mypy", *strict, str(program), cwd=tmp_path, environment=package)
    called = npm.run(
        str(client_generator / "python"),
        str(program),
        cwd=tmp_path,
        environment={**environment, "PYTHONPATH": str(tmp_path / "generated")},
    )
    assert json.loads(called) == EXPECTED
