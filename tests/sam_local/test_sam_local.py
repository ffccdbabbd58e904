"""Functions in Docker, run by `sam local invoke` and `sam local start-api`."""

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from local import demo, invoke
from local.stack import DEMO_TIMELINE, HOST, Stack, free_port
from scheduling.store import client as store
from tests.sam_local.conftest import BUILT, SamLocal, create_tables
from tests.support import api, npm
from tests.support.docker_engine import DockerEngine
from tests.support.issuer import YESTERDAY, replace_subject
from tests.support.lambda_image import ARCHITECTURE
from tests.support.template import ROOT, functions

pytestmark = [pytest.mark.docker, pytest.mark.slow]

AT_ONCE = 3
RETRY_SECONDS = 120
WITHOUT_A_SESSION = {"create_session", "delete_timeline"}
"""The functions whose events work only in a database without sessions."""
VARIABLES = {
    "SESSIONS_TABLE",
    "TIMELINES_TABLE",
    "CALENDAR_TABLE",
    "IDEMPOTENCY_TABLE",
    "COUNTERS_TABLE",
    "DYNAMODB_ENDPOINT",
}
"""The environment variables in the file `sam-local.json`, which `make up` writes."""


def fill_database(sam: SamLocal, environment: pytest.MonkeyPatch, function: str) -> str:
    """Create a database with the entities that the event of a function names. Return the access key of the database."""
    namespace = function.replace("_", "")
    create_tables(sam.endpoint, namespace)
    environment.setenv("AWS_ACCESS_KEY_ID", namespace)
    environment.setenv("DYNAMODB_ENDPOINT", sam.endpoint)
    store.client.cache_clear()
    read = api.load_event("get_session")
    demo.main(DEMO_TIMELINE, read["requestContext"]["authorizer"]["jwt"]["claims"]["sub"])
    if function not in WITHOUT_A_SESSION:
        with environment.context() as patch:
            # `uuid4` reads `os.urandom`. With this patch, the new session gets the id that the other events name.
            patch.setattr("os.urandom", lambda size: UUID(read["pathParameters"]["sessionId"]).bytes[:size])
            made = api.handler("create_session")(api.load_event("create_session"), None)
        assert made["statusCode"] == 200, made
    return namespace


def test_every_event_works_unchanged_in_docker(sam: SamLocal, environment: pytest.MonkeyPatch) -> None:
    namespaces = {function: fill_database(sam, environment, function) for function in functions()}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = dict(
            zip(namespaces, pool.map(sam.invoke, *zip(*namespaces.items(), strict=True)), strict=True)
        )
    assert answers.pop("update_counters") == {"state": {}}
    assert {answer.get("statusCode") for answer in answers.values()} == {200}, answers

    page = answers.pop("get_docs")
    assert page["headers"]["Content-Type"] == "text/html; charset=utf-8"
    data = {function: json.loads(answer["body"])["data"] for function, answer in answers.items()}
    session_id = api.load_event("get_session")["pathParameters"]["sessionId"]

    created = data["create_session"]
    assert (created["name"], created["timelineId"]) == ("Weekly Yoga Class", DEMO_TIMELINE)
    assert (created["repeatCycleType"], created["recurringDayOfWeek"]) == ("WEEKLY", "FRIDAY")
    assert answers["create_session"]["headers"]["Location"] == f"/sessions/{created['id']}"
    assert (data["get_session"]["id"], data["get_session"]["name"]) == (session_id, created["name"])
    assert [session["id"] for session in data["list_sessions"]] == [session_id]
    assert [occurrence["sessionId"] for occurrence in data["list_occurrences"]] == [session_id]
    assert (data["update_session"]["id"], data["update_session"]["startDateTime"]) == (
        session_id,
        "2023-12-08T10:30:00Z",
    )
    assert (data["delete_session"]["id"], bool(data["delete_session"]["removedAt"])) == (session_id, True)
    assert data["create_timeline"]["description"] == "All classes in the large room"
    assert data["get_timeline"]["id"] == DEMO_TIMELINE
    assert [timeline["id"] for timeline in data["list_timelines"]] == [DEMO_TIMELINE]
    assert data["update_timeline"]["name"] == "Yoga studio, first floor"
    assert (data["delete_timeline"]["id"], bool(data["delete_timeline"]["removedAt"])) == (
        DEMO_TIMELINE,
        True,
    )


def test_start_api_accepts_only_a_verified_token(sam: SamLocal, tmp_path: Path) -> None:
    """`start-api` forwards no claims of a token. Therefore, the layer verifies the token with the issuer's keys."""
    create_tables(sam.endpoint, "startapi")
    good = {"Authorization": f"Bearer {sam.issuer.token()}"}
    with sam.api("startapi", tmp_path / "log") as client:
        for bad in ({}, *({"Authorization": f"Bearer {token}"} for token in invalid_tokens(sam))):
            answer = send(client, "GET", headers=bad)
            assert answer.status_code == 401, answer.text
            assert answer.json()["code"] == "UNAUTHORIZED"
            assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="sessions"')
        made = send(client, "POST", headers=good, json={"name": "Mine"})
        assert (made.status_code, made.json()["data"]["ownerId"]) == (200, "anna"), made.text
        listed = send(client, "GET", headers=good)
        assert (listed.status_code, listed.json()["data"]) == (200, [made.json()["data"]]), listed.text


def send(client: httpx.Client, method: str, **rest: Any) -> httpx.Response:
    """Send a request to `/timelines`.

    A function waits only a few seconds for the keys of the issuer. So on a busy machine, retry after a 503.
    """
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        answer = client.request(method, "/timelines", **rest)
        if answer.status_code != 503 or time.monotonic() > deadline:
            return answer
        time.sleep(1)


def test_the_documented_sam_local_commands_use_the_tables_of_make_up(sam: SamLocal, tmp_path: Path) -> None:
    create, get = find_documented_commands("sam local invoke")
    with DockerStack("sam-local", free_port()) as stack, forward_port(sam.docker, stack.port + 1):
        variables = stack.state / "sam-local.json"
        assert set(json.loads(variables.read_text())["Parameters"]) == VARIABLES
        made = sam.run(create, tmp_path, "--env-vars", str(variables))
        assert made["statusCode"] == 200, made
        session = json.loads(made["body"])["data"]
        found = sam.run(get.replace("YOUR-ID", session["id"]), tmp_path, "--env-vars", str(variables))
        assert (found["statusCode"], json.loads(found["body"])["data"]) == (200, session)


def test_make_invoke_runs_a_function_as_a_demo_user(
    sam: SamLocal, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The first run creates a session in the tables of `make up`, and the second run reads the session."""
    monkeypatch.setattr(invoke, "BUILT", BUILT)
    monkeypatch.setenv("DOCKER_HOST", sam.docker.address)

    def invoke_as_user(stack: Stack, function: str, role: str, id: str = "") -> dict[str, Any]:
        made_event = invoke.prepare_event(function, role, stack.add_user(role.lower(), role), id)
        capfd.readouterr()
        status = asyncio.run(invoke.invoke(stack, function, made_event, ARCHITECTURE, sam.run_options))
        answer = capfd.readouterr()
        assert status == 0, answer.err
        loaded: dict[str, Any] = json.loads(answer.out)
        return loaded

    with DockerStack("sam-local", free_port()) as stack:
        made = invoke_as_user(stack, "create_session", "USER")
        assert made["statusCode"] == 200, made
        session = json.loads(made["body"])["data"]
        found = invoke_as_user(stack, "get_session", "ADMIN", session["id"])
        assert (found["statusCode"], json.loads(found["body"])["data"]) == (200, session)


class DockerStack(Stack):
    """A stack like the stack of `make up`, with the functions that the tests have built for Docker."""

    def build_template(self) -> None:
        shutil.copytree(BUILT, self.build)


@contextmanager
def forward_port(docker: DockerEngine, port: int) -> Iterator[None]:
    """If containers cannot connect to 127.0.0.1, forward a port with the command in docs/operations.md."""
    if docker.listen == HOST:
        yield
        return
    if not shutil.which("socat"):
        npm.skip_without("socat")
    (line,) = find_documented_commands("socat")
    bridge = docker.docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge")
    process = subprocess.Popen(
        shlex.split(line.replace("4581", str(port)).replace("172.17.0.1", bridge.strip()))
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def find_documented_commands(command: str) -> list[str]:
    """Return the shell lines of docs/operations.md that contain `command`, with this machine's processor type."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    lines = [line.strip() for line in blocks.splitlines() if command in line]
    return [line.replace("x86_64", ARCHITECTURE) for line in lines]


def invalid_tokens(sam: SamLocal) -> list[str]:
    """Return an expired token, a token for another audience, and a forged token."""
    return [
        sam.issuer.token(exp=YESTERDAY),
        sam.issuer.token(aud="another"),
        replace_subject(sam.issuer.token()),
    ]
