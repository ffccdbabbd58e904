"""What `make up` stands on: the deployment is right where the emulator alone would leave something out, it enforces
the functions' roles, and it comes back as it was left.
"""

import json
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from local.stack import DEMO_TIMELINE, HOST, ROLES, ROOT, Stack, StackError, free_port
from tests.template import functions, route

ORIGIN = "https://app.example.com"
PUBLIC = {"GET /docs", "GET /docs/{file}", "GET /openapi.json"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack("e2e-local-stack", free_port(), {"CorsAllowedOrigins": ORIGIN}) as running:
        yield running


def call(stack: Stack, path: str, token: str | None = None, method: str = "GET", **headers: str) -> Any:
    """Status, headers and body of an answer."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        with urlopen(Request(stack.url + path, headers=headers, method=method), timeout=20) as response:
            return response.status, response.headers, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_the_demo_timeline_has_the_id_of_the_references_examples(stack: Stack) -> None:
    status, _, body = call(stack, f"/timelines/{DEMO_TIMELINE}", stack.token("USER"))
    assert status == 200
    assert json.loads(body)["data"]["id"] == DEMO_TIMELINE


@pytest.mark.parametrize("role", ROLES)
def test_each_demo_user_may_call(stack: Stack, role: str) -> None:
    assert call(stack, "/timelines", stack.token(role))[0] == 200


def test_another_user_sees_nothing_of_the_demo(stack: Stack) -> None:
    stack.add_user("stranger", "USER")
    _, _, body = call(stack, "/timelines", stack.token_of("stranger"))
    assert json.loads(body)["data"] == []


def test_no_route_but_the_public_ones_answers_without_a_token(stack: Stack) -> None:
    gateway = stack.client("apigatewayv2")
    routes = {
        route["RouteKey"] for route in gateway.get_routes(ApiId=stack.outputs["ApiId"])["Items"]
    } - PUBLIC
    assert routes == {" ".join(route(function)) for function in functions()} - PUBLIC
    for key in routes:
        method, path = key.split(" ")
        assert call(stack, path.replace("{", "").replace("}", ""), method=method)[0] == 401, key


def test_a_preflight_is_answered_for_an_allowed_origin_alone(stack: Stack) -> None:
    asked = {"Access-Control-Request-Method": "POST"}
    status, headers, _ = call(stack, "/sessions", method="OPTIONS", Origin=ORIGIN, **asked)
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
    status, headers, _ = call(
        stack, "/sessions", method="OPTIONS", Origin="https://evil.example.com", **asked
    )
    assert headers["Access-Control-Allow-Origin"] is None


def test_expired_items_are_purged_from_the_tables_that_have_any(stack: Stack) -> None:
    dynamodb = stack.client("dynamodb")
    found = {
        name: dynamodb.describe_time_to_live(TableName=stack.outputs[f"{name}TableName"])[
            "TimeToLiveDescription"
        ]
        for name in ("Sessions", "Timelines", "Idempotency")
    }
    on = {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}
    assert found == dict.fromkeys(found, on)


def test_a_functions_zip_holds_its_handler_alone(stack: Stack) -> None:
    functions = stack.client("lambda")
    for function in functions.list_functions()["Functions"]:
        address = functions.get_function(FunctionName=function["FunctionName"])["Code"]["Location"]
        with urlopen(address, timeout=20) as response:
            names = zipfile.ZipFile(BytesIO(response.read())).namelist()
        with_files = "GetDocsFunction" in function["FunctionName"]  # the page's own
        assert names == ["handler.py"] or ("handler.py" in names and with_files), function["FunctionName"]
        assert not [name for name in names if "__pycache__" in name]


def test_the_layer_brings_all_that_the_functions_import(stack: Stack) -> None:
    """In an interpreter that sees neither this environment nor the source."""
    layer = stack.build / "SchedulingLayer" / "python"
    modules = [str(path) for path in sorted((ROOT / "functions").glob("*/handler.py"))]
    program = (
        "import sys, runpy; sys.path.insert(0, sys.argv[1]);"
        "[runpy.run_path(path) for path in sys.argv[2:]];"
        "import scheduling.http.token_verification as t, botocore.session as s;"
        "client = s.Session().create_client('dynamodb', region_name='eu-central-1');"
        "print(client.meta.endpoint_url, t.__file__, sys.modules.keys() & {'boto3', 'awscrt'})"
    )
    isolated = [sys.executable, "-I", "-S", "-B", "-c", program, str(layer), *modules]
    done = subprocess.run(isolated, capture_output=True, text=True, env={})
    assert done.returncode == 0, done.stderr
    expected = f"https://dynamodb.eu-central-1.amazonaws.com {layer / 'scheduling' / 'token.py'} set()"
    assert done.stdout.strip() == expected


def test_the_layers_bytecode_is_complete_and_is_not_checked_against_the_source(stack: Stack) -> None:
    layer = stack.build / "SchedulingLayer" / "python"
    compiled = list((layer / "scheduling").rglob("*.pyc"))
    assert len(compiled) == len(list((layer / "scheduling").rglob("*.py")))
    # PEP 552: the flags' lowest bit says "by hash", the next one "check the source".
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\x01\x00\x00\x00"}


def test_a_function_may_do_no_more_than_its_role_allows(stack: Stack) -> None:
    iam = stack.client("iam")
    roles = [
        role["RoleName"] for role in iam.list_roles()["Roles"] if "GetSessionFunction" in role["RoleName"]
    ]
    (name,) = roles
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    token = stack.token("USER")
    assert call(stack, "/sessions/nothing", token)[0] == 404
    iam.delete_role_policy(RoleName=name, PolicyName=policy)
    try:
        assert call(stack, "/sessions/nothing", token)[0] == 500
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


def test_what_was_stored_is_there_after_a_stop_and_a_start(stack: Stack) -> None:
    before, pid = stack.outputs, stack.running()
    stack.stop()
    assert stack.running() is None
    stack.launch()
    stack.wait_until_ready()
    assert stack.running() not in (None, pid)
    stack.deploy()
    assert stack.outputs == before
    status, _, _ = call(stack, f"/timelines/{DEMO_TIMELINE}", stack.token("USER"))
    assert status == 200


def test_a_port_that_another_program_has_is_said_to_be_taken() -> None:
    port = free_port()
    with socket.create_server((HOST, port + 1)), pytest.raises(StackError, match=f"Port {port + 1} is taken"):
        Stack("e2e-no-port", port).launch()
