"""Commands in the documentation. Tests run most commands of the README in a copy of the repository."""

import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from tests.support.checkout import copy_project, share_packages
from tests.support.template import ROOT

HERE = "tests/e2e/test_documented_commands.py"
TESTED = {
    "make up": HERE,
    "make down": HERE,
    "make token": HERE,
    "make reset": HERE,
    "make logs": HERE,
    "curl": HERE,
    ".venv/bin/python -m tools.backup": HERE,
    ".venv/bin/python -m tools.recount": HERE,
    ".venv/bin/python -m tools.overlaps": HERE,
    "make test": ".ci/run",
    "make openapi": HERE,
    "make invoke": "tests/sam_local/test_sam_local.py",
    "sam build": "tests/e2e/test_sam_build.py",
    "sam deploy": "local/stack.py",
    **dict.fromkeys(
        ("sam local", "sed", "socat", "docker network inspect"), "tests/sam_local/test_sam_local.py"
    ),
}
"""Each key is the beginning of a documented command. The value is the path of the file that runs the command."""
BY_HAND = {
    "make bench": "takes half an hour, and only prints measurements",
    "python -m bench": "takes half an hour, as `make bench` does",
    "make audit": "reads security advisories from the network",
    "aws": "needs an AWS account. A test below checks the options",
    "git checkout": "is a command of git",
    "cp": "is a command of the shell",
    "sam delete": "removes a stack from AWS",
    "make contract": "compares with the tag of the last release, and the copy has no git history",
    "export": "is a command of the shell, and tests set the same variables",
    "make build": "is `sam build` for one processor, and tests/sam_local/conftest.py runs that command",
}

PAGES = (
    *("README.md", "SECURITY.md", "docs/architecture.md", "docs/guide.md", "docs/operations.md"),
    "docs/measurements.md",
)
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.M | re.S)
INLINE = re.compile(r"`((?:make|sam|aws|git|docker|python|PYTHONPATH=\S+) [^`]+)`")
TABLES = ("Sessions", "Timelines", "Calendar", "Counters", "Idempotency")


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def commands(text: str) -> Iterator[str]:
    """Yield each command of a page, without the variables that are set before the command."""
    for block in [*BLOCK.findall(text), *INLINE.findall(text)]:
        lines = [block] if block.startswith("curl") else block.splitlines()
        for line in lines:
            for command in re.split(r" && | \| ", line):
                command = re.sub(r"^\w+=\$\((.*)\)$", r"\1", command.strip())
                yield re.sub(r"^(\w+=\S* )+", "", command)


def starts_with(command: str, beginning: str) -> bool:
    return re.match(rf"{re.escape(beginning)}(?![\w-])", command) is not None


def test_every_documented_command_runs_in_a_test_or_has_a_reason_against_a_test() -> None:
    found = [command for name in PAGES for command in commands(page(name))]
    known = [*TESTED, *BY_HAND]
    assert [command for command in found if not any(starts_with(command, start) for start in known)] == []
    assert [start for start in known if not any(starts_with(command, start) for command in found)] == []
    assert [where for where in TESTED.values() if not (ROOT / where).is_file()] == []


def test_the_documented_options_of_aws_and_sam_commands_exist() -> None:
    found = [command for name in PAGES for command in commands(page(name))]
    session = botocore.session.Session()
    for command in found:
        options = re.findall(r"--([\w-]+)", command)
        match command.split():
            case ["aws", service, operation, *_]:
                model = session.get_service_model(service)
                (name,) = (name for name in model.operation_names if xform_name(name, "-") == operation)
                members = {
                    xform_name(member, "-") for member in model.operation_model(name).input_shape.members
                }
                flags = {option.removeprefix("no-") for option in options}
                assert flags <= members | {"query", "output"}, command
            case ["sam", *words]:
                names = itertools.takewhile(re.compile("[a-z][a-z-]+$").match, words)
                text = run_in_shell(ROOT, f"{shlex.quote(sys.executable)} -m samcli {' '.join(names)} --help")
                assert set(options) <= set(re.findall(r"--([\w-]+)", text)), command


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy the repository into a folder whose name has a space. Delete the stack of the copy at the end."""
    folder = copy_project(tmp_path_factory.mktemp("copy") / "my sessions")
    share_packages(folder)
    yield folder
    run_in_shell(folder, "make reset")


def run_in_shell(folder: Path, command: str, **variables: str) -> str:
    """Run a command in a folder; return the output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=kept | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.e2e
@pytest.mark.slow
def test_the_commands_in_the_readme_and_in_the_operations_guide_work(copy: Path) -> None:
    assert "make up" in run_in_shell(copy, "make")
    origin = "http://localhost:5173"
    welcome = run_in_shell(copy, f"make up CORS={origin}")
    variables = find_variables(welcome)

    readme = page("README.md")
    (curl,) = (block for block in BLOCK.findall(readme) if block.startswith("curl"))
    documented = json.loads(re.findall(r"^```json\n(.*?)^```", readme, re.M | re.S)[0])
    answer = json.loads(run_in_shell(copy, curl, **variables))
    generated = ("id", "createdAt", "updatedAt")
    assert list(answer["data"]) == list(documented["data"])
    assert answer == documented | {
        "data": documented["data"] | {name: answer["data"][name] for name in generated}
    }
    again = json.loads(run_in_shell(copy, curl, **variables))
    assert (again["statusCode"], again["details"][0]["sessionId"]) == (409, answer["data"]["id"])
    assert "/docs" in welcome
    assert run_in_shell(copy, "curl -sf $API/docs", **variables).startswith("<!doctype html>")
    preflight = f"curl -sfi -X OPTIONS -H 'Origin: {origin}' $API/sessions"
    assert f"access-control-allow-origin: {origin}" in run_in_shell(copy, preflight, **variables).lower()
    assert run_in_shell(copy, "make token ROLE=ADMIN").count(".") == 2

    assert "POST /sessions" in run_in_shell(copy, "make logs")

    environment = operator_environment(copy, variables["API"])
    tools = [line for block in BLOCK.findall(page("docs/operations.md")) for line in block.splitlines()]
    exported, filled, recounted, compared = (
        # The test fills the same tables from which the test exports, so the tables are not empty.
        run_in_shell(copy, f"{line} --force" if " fill " in line else line, **environment).splitlines()[-1]
        for line in tools
        if "python -m tools." in line
    )
    assert exported == filled
    assert int(exported.split()[0]) >= 4, (
        "at least a timeline, a session, its slot and the head of the calendar"
    )
    assert recounted == "All counts are right."
    assert compared.startswith("0 overlaps")

    run_in_shell(copy, "make openapi")
    for name in ("docs/openapi.yaml", "functions/get_docs/page/openapi.json"):
        assert (copy / name).read_text("utf-8") == (ROOT / name).read_text("utf-8")

    assert "make up" in run_in_shell(copy, "make down")
    assert "Nothing is running" in run_in_shell(copy, "make down")
    assert "make up" in run_in_shell(copy, "make reset")


@pytest.mark.e2e
@pytest.mark.slow
def test_the_stack_starts_after_the_checkout_is_moved(copy: Path) -> None:
    welcome = run_in_shell(copy, "make up")
    timeline = run_in_shell(
        copy, 'curl -sf -H "Authorization: Bearer $TOKEN" $API/timelines', **find_variables(welcome)
    )
    run_in_shell(copy, "make down")
    moved = copy.rename(copy.with_name("moved"))
    try:
        again = run_in_shell(moved, "make up")
        assert (
            run_in_shell(
                moved, 'curl -sf -H "Authorization: Bearer $TOKEN" $API/timelines', **find_variables(again)
            )
            == timeline
        )
        run_in_shell(moved, "make down")
    finally:
        moved.rename(copy)


@pytest.mark.e2e
@pytest.mark.slow
def test_make_lock_pins_packages_with_hashes_and_names_no_package_index(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "my sessions")
    run_in_shell(ROOT, "make .local/audit/ready")  # all copies share this installation
    (folder / ".local").mkdir()
    (folder / ".local" / "audit").symlink_to(ROOT / ".local" / "audit")
    locked = {
        folder / line.split()[-2]
        for line in run_in_shell(folder, "make -n lock").splitlines()
        if ".in" in line
    }
    for path in locked - {folder / "requirements" / "audit.txt"}:  # `make lock` installs uv from audit.txt
        path.unlink()
    run_in_shell(folder, "make lock")
    assert {path.with_suffix(".in") for path in locked} == set(folder.rglob("*.in"))
    for path in locked:
        pins = path.read_text("utf-8").replace("\\\n", "").splitlines()
        assert pins, path
        assert all(re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ .*--hash=sha256:", pin) for pin in pins), path
        assert "://" not in path.read_text("utf-8")


def test_python_is_the_only_program_in_the_venv_that_the_makefile_starts() -> None:
    """Other scripts in bin/ contain the path of the venv. If the venv has moved, these scripts fail."""
    assert set(re.findall(r"/bin/([\w-]+)", page("Makefile"))) == {"python"}


def find_variables(welcome: str) -> dict[str, str]:
    """Return the shell variables that `make up` prints."""
    return dict(re.findall(r"^(API|TOKEN)='?([^'\n]+)'?$", welcome, re.M))


def operator_environment(copy: Path, api: str) -> dict[str, str]:
    """Return the environment variables of an operator: the table names and the endpoint of the stack."""
    endpoint = re.sub(r"\d+$", lambda port: str(int(port[0]) + 1), api)
    reached = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    session: Any = botocore.session.Session()
    session.set_credentials("test", "test")
    client = session.create_client("cloudformation", region_name="us-east-1", endpoint_url=endpoint)
    (stack,) = client.describe_stacks(StackName="sessions")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return reached | {table.upper(): outputs[f"{table}TableName"] for table in TABLES}
