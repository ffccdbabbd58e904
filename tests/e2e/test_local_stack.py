"""Local stack: resources, enforced roles, deployments, ports, and data that is kept after a restart."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from local.stack import DEMO_TIMELINE, ROLES, ROOT, Stack, StackError, free_port, listen, parse_port
from tests.e2e.conftest import TIMEOUT_SECONDS
from tests.support.template import functions, route

ORIGIN = "https://app.example.com"
PUBLIC_ROUTES = {"GET /docs", "GET /docs/{file}", "GET /openapi.json"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack("e2e-local-stack", free_port(), {"CorsAllowedOrigins": ORIGIN}) as running:
        yield running


def call(stack: Stack, path: str, token: str | None = None, method: str = "GET", **headers: str) -> Any:
    """Send a request; return status, headers and body."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        with urlopen(
            Request(stack.url + path, headers=headers, method=method), timeout=TIMEOUT_SECONDS
        ) as response:
            return response.status, response.headers, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_the_demo_timeline_has_the_id_in_the_examples_of_the_reference(stack: Stack) -> None:
    status, _, body = call(stack, f"/timelines/{DEMO_TIMELINE}", stack.token("USER"))
    assert status == 200
    assert json.loads(body)["data"]["id"] == DEMO_TIMELINE


@pytest.mark.parametrize("role", ROLES)
def test_each_demo_user_has_a_valid_token(stack: Stack, role: str) -> None:
    assert call(stack, "/timelines", stack.token(role))[0] == 200


def test_another_user_cannot_list_the_demo_timeline(stack: Stack) -> None:
    stack.add_user("stranger", "USER")
    _, _, body = call(stack, "/timelines", stack.token_of("stranger"))
    assert json.loads(body)["data"] == []


def test_every_route_except_the_public_routes_needs_a_token(stack: Stack) -> None:
    gateway = stack.client("apigatewayv2")
    routes = {
        route["RouteKey"] for route in gateway.get_routes(ApiId=stack.outputs["ApiId"])["Items"]
    } - PUBLIC_ROUTES
    assert (
        routes
        == {" ".join(route(name)) for name, found in functions().items() if "Events" in found} - PUBLIC_ROUTES
    )
    for key in routes:
        method, path = key.split(" ")
        assert call(stack, path.replace("{", "").replace("}", ""), method=method)[0] == 401, key


def test_only_an_allowed_origin_passes_the_preflight(stack: Stack) -> None:
    asked = {"Access-Control-Request-Method": "POST"}
    status, headers, _ = call(stack, "/sessions", method="OPTIONS", Origin=ORIGIN, **asked)
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
    status, headers, _ = call(
        stack, "/sessions", method="OPTIONS", Origin="https://evil.example.com", **asked
    )
    assert headers["Access-Control-Allow-Origin"] is None


def test_tables_with_expiring_items_have_a_time_to_live(stack: Stack) -> None:
    dynamodb = stack.client("dynamodb")
    found = {
        name: dynamodb.describe_time_to_live(TableName=stack.outputs[f"{name}TableName"])[
            "TimeToLiveDescription"
        ]
        for name in ("Sessions", "Timelines", "Idempotency")
    }
    on = {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}
    assert found == dict.fromkeys(found, on)


def list_functions(stack: Stack) -> list[dict[str, Any]]:
    """Return the deployed functions. Check that they are as many as in the template."""
    found: list[dict[str, Any]] = stack.client("lambda").list_functions()["Functions"]
    assert len(found) == len(functions())
    return found


def test_the_zip_of_a_function_contains_only_its_handler(stack: Stack) -> None:
    client = stack.client("lambda")
    for function in list_functions(stack):
        address = client.get_function(FunctionName=function["FunctionName"])["Code"]["Location"]
        with urlopen(address, timeout=TIMEOUT_SECONDS) as response:
            names = zipfile.ZipFile(BytesIO(response.read())).namelist()
        with_files = "GetDocsFunction" in function["FunctionName"]  # get_docs also has the files of the page
        assert names == ["handler.py"] or ("handler.py" in names and with_files), function["FunctionName"]
        assert not [name for name in names if "__pycache__" in name]


def test_the_layer_contains_all_packages_that_the_functions_import(stack: Stack) -> None:
    """Run an isolated interpreter, which finds neither the packages of the venv nor the source."""
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
    module = layer / "scheduling" / "http" / "token_verification.py"
    expected = f"https://dynamodb.eu-central-1.amazonaws.com {module} set()"
    assert done.stdout.strip() == expected


def test_the_bytecode_of_package_scheduling_is_complete_and_not_checked_against_sources(stack: Stack) -> None:
    layer = stack.build / "SchedulingLayer" / "python"
    compiled = list((layer / "scheduling").rglob("*.pyc"))
    assert len(compiled) == len(list((layer / "scheduling").rglob("*.py")))
    # PEP 552: the lowest bit of the flags means "by hash", and the next bit means "check the source".
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\x01\x00\x00\x00"}


def test_a_function_without_the_policy_of_its_role_cannot_read_a_table(stack: Stack) -> None:
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


def test_stored_data_survives_a_restart_of_the_stack(stack: Stack) -> None:
    before, pid = stack.outputs, stack.find_process_id()
    stack.stop()
    assert stack.find_process_id() is None
    stack.launch()
    stack.wait_until_ready()
    assert stack.find_process_id() not in (None, pid)
    stack.deploy()
    assert stack.outputs == before
    status, _, _ = call(stack, f"/timelines/{DEMO_TIMELINE}", stack.token("USER"))
    assert status == 200


# --- Deployments


def read_message(stack: Stack) -> str:
    status, _, body = call(stack, "/timelines", stack.token("USER"))
    assert status == 200
    return str(json.loads(body)["meta"]["message"])


def read_versions(stack: Stack) -> dict[str, str]:
    """Return the version to which the alias of each function refers."""
    client = stack.client("lambda")
    names = [function["FunctionName"] for function in list_functions(stack)]
    return {name: client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] for name in names}


def test_a_deployment_updates_the_layer_and_a_rollback_restores_the_former_layer(
    stack: Stack, tmp_path: Path
) -> None:
    for name in ("functions", "layers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "template.yaml", tmp_path)
    for path in (tmp_path / "layers").rglob("*.py"):
        path.write_text(path.read_text("utf-8").replace('"success"', '"changed"'), "utf-8")
    before = read_versions(stack)
    assert read_message(stack) == "success"
    stack.source = tmp_path
    try:
        stack.build_template()
        stack.deploy()
        assert read_message(stack) == "changed"
        assert read_versions(stack).items() & before.items() == set()
    finally:
        stack.source = ROOT
        stack.build_template()
        stack.deploy()
    assert read_message(stack) == "success"


def test_a_changed_parameter_takes_effect_after_the_next_deployment(stack: Stack) -> None:
    def list_timelines(role: str) -> list[Any]:
        _, _, body = call(stack, "/timelines", stack.token(role))
        return list(json.loads(body)["data"])

    assert list_timelines("ADMIN") != []
    stack.parameters["RolesClaim"] = "no-such-claim"
    try:
        stack.deploy()
        assert list_timelines("ADMIN") == [], (
            "without the claim, the ADMIN is only a USER, and owns no timeline"
        )
    finally:
        stack.parameters["RolesClaim"] = (
            "cognito:groups"  # a deployment keeps the values of parameters that are left out
        )
        stack.deploy()
    assert list_timelines("ADMIN") != []


def test_a_deployment_without_changes_publishes_no_version(stack: Stack) -> None:
    before = read_versions(stack)
    stack.build_template()
    stack.deploy()
    assert read_versions(stack) == before


# --- Ports


def test_an_occupied_port_raises_an_error_that_names_the_process() -> None:
    with listen(free_port(), or_next_ports=True) as (api, _):
        port = api.getsockname()[1]
        api.close()
        with pytest.raises(StackError) as raised:
            Stack("e2e-no-port", port).launch()
        assert f"Port {port + 1} is taken by process {os.getpid()}" in str(raised.value)


def test_a_port_of_another_stack_raises_an_error_that_names_the_folder_of_that_stack(stack: Stack) -> None:
    for port in (stack.port, stack.port + 1):
        other = Stack("e2e-other", port)
        assert other.find_process_id() is None
        with pytest.raises(StackError, match=f"Port {port} is taken by the stack in {re.escape(str(ROOT))} "):
            other.launch()


def test_a_stack_can_use_the_next_two_free_ports_if_its_ports_are_taken(stack: Stack) -> None:
    with Stack("e2e-other", stack.port) as other:
        assert other.port > stack.port + 1
        assert other.find_process_id() not in (None, stack.find_process_id())
        assert Stack.load("e2e-other").port == other.port


@pytest.mark.parametrize("text", ["abc", "70000", "65535", "0", "-1", "80", "4580.5", "²"])
def test_an_invalid_port_raises_an_error_with_a_message(text: str) -> None:
    with pytest.raises(StackError, match="PORT must be a number from 1024 to 65534"):
        parse_port(text)


def test_ports_from_1024_to_65534_are_allowed() -> None:
    assert [parse_port("1024"), parse_port("65534")] == [1024, 65534]


@pytest.mark.parametrize("command", ["down", "reset", "token ADMIN", "logs"])
def test_without_a_running_stack_each_command_reports_that_nothing_is_running(
    tmp_path: Path, command: str
) -> None:
    shutil.copytree(ROOT / "local", tmp_path / "local", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-m", "local.stack", *command.split()], cwd=tmp_path, capture_output=True, text=True
    )
    assert "Nothing is running" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if command in ("down", "reset") else 1)
