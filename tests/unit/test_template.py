"""What template.yaml promises: who may call, what a function may do, what is kept, and how it is watched."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from unittest import mock

import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.support import template
from tests.support.template import ROOT

PUBLIC = {"GET /docs", "GET /docs/{file}", "GET /openapi.json"}
"""The routes that need no token; what is behind them has no role and no table."""

FUNCTIONS = template.resources("AWS::Serverless::Function")
TABLES = template.resources("AWS::DynamoDB::Table")
BY_FOLDER = template.functions()
ENDPOINTS = set(BY_FOLDER) - {"get_docs"}


def events() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each function's events."""
    for name, function in FUNCTIONS.items():
        for event in function["Properties"]["Events"].values():
            yield name, event


def statements(function: dict[str, Any]) -> list[dict[str, Any]]:
    """What a function's role allows."""
    return [
        statement
        for policy in function["Properties"].get("Policies", [])
        for statement in policy["Statement"]
    ]


# --- Who may call


def test_the_authorizer_is_the_default_of_the_one_api() -> None:
    (api,) = template.resources("AWS::Serverless::HttpApi").values()
    auth = api["Properties"]["Auth"]
    assert auth["DefaultAuthorizer"] in auth["Authorizers"]
    assert "EnableIamAuthorizer" not in auth
    (authorizer,) = auth["Authorizers"].values()
    assert authorizer["IdentitySource"] == "$request.header.Authorization"
    assert set(authorizer["JwtConfiguration"]) == {"issuer", "audience"}


def test_every_event_is_of_that_api_and_under_its_authorizer() -> None:
    """An event without ApiId would make a second API, without an authorizer."""
    for name, event in events():
        assert event["Type"] == "HttpApi", name
        route = f"{event['Properties']['Method']} {event['Properties']['Path']}"
        assert event["Properties"]["ApiId"] == {"Ref": "Api"}, name
        auth = {"Authorizer": "NONE"} if route in PUBLIC else None
        assert event["Properties"].get("Auth") == auth, name


def test_nothing_but_the_api_calls_a_function() -> None:
    for name, function in FUNCTIONS.items():
        assert "FunctionUrlConfig" not in function["Properties"], name
        assert "EventInvokeConfig" not in function["Properties"], name
    for kind in (
        "AWS::Lambda::Permission",
        "AWS::Lambda::Url",
        "AWS::Serverless::Api",
        "AWS::ApiGatewayV2::Route",
    ):
        assert template.resources(kind) == {}


def test_routes_are_those_of_the_design() -> None:
    routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}" for _, event in events()
    } - PUBLIC
    assert routes == {
        "GET /occurrences",
        *(f"{method} /sessions" for method in ("GET", "POST")),
        *(f"{method} /timelines" for method in ("GET", "POST")),
        *(f"{method} /sessions/{{sessionId}}" for method in ("GET", "PATCH", "DELETE")),
        *(f"{method} /timelines/{{timelineId}}" for method in ("GET", "PATCH", "DELETE")),
    }, "a route that is meant to be there is named here as well"


def test_layer_and_authorizer_trust_the_same_issuer_and_audience() -> None:
    jwt = template.resources("AWS::Serverless::HttpApi")["Api"]["Properties"]["Auth"]["Authorizers"]["Jwt"]
    variables = template.template()["Globals"]["Function"]["Environment"]["Variables"]
    assert jwt["JwtConfiguration"]["issuer"] == variables["JWT_ISSUER"]
    condition, own, given = jwt["JwtConfiguration"]["audience"]["Fn::If"]
    assert variables["JWT_AUDIENCE"]["Fn::If"] == [condition, own[0], {"Fn::Join": [",", given]}]


def test_no_web_page_may_call_unless_its_origin_is_given() -> None:
    cors = template.resources("AWS::Serverless::HttpApi")["Api"]["Properties"]["CorsConfiguration"]["Fn::If"]
    assert (cors[0], cors[2]) == ("AllowCors", {"Ref": "AWS::NoValue"})
    assert "allowCredentials" not in cors[1]
    assert template.template()["Parameters"]["CorsAllowedOrigins"]["Default"] == ""


def test_calls_are_throttled_and_logged() -> None:
    api = template.resources("AWS::Serverless::HttpApi")["Api"]["Properties"]
    limits = api["DefaultRouteSettings"]
    for limit in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
        assert template.template()["Parameters"][limits[limit]["Ref"]]["Default"] > 0
    line = json.loads(api["AccessLogSettings"]["Format"])
    assert {"requestId", "routeKey", "status"} <= set(line)
    assert "authorization" not in api["AccessLogSettings"]["Format"].lower().replace("authorizer", "")


# --- What a function may do


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_names_its_actions_and_what_they_are_for(name: str) -> None:
    """No wildcard, no Scan, no policy of SAM's or AWS's that allows more than is used, no role shared."""
    properties = FUNCTIONS[name]["Properties"]
    assert "Role" not in properties
    for policy in properties.get("Policies", []):
        assert set(policy) == {"Version", "Statement"}
    for statement in statements(FUNCTIONS[name]):
        assert set(statement) == {"Effect", "Action", "Resource"}
        assert "*" not in json.dumps(statement)
        actions = statement["Action"]
        assert isinstance(actions, list)
        assert "dynamodb:Scan" not in actions
        assert all(action.startswith("dynamodb:") for action in actions)


def test_the_page_reaches_no_table_and_can_be_left_out() -> None:
    page = FUNCTIONS["GetDocsFunction"]
    assert statements(page) == []
    assert page["Condition"] == "Docs"
    assert template.template()["Parameters"]["EnableDocs"]["Default"] == "true"


def test_roles_are_not_made_elsewhere() -> None:
    for kind in ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        assert template.resources(kind) == {}


def test_only_what_needs_it_knows_the_idempotency_table() -> None:
    for folder, properties in BY_FOLDER.items():
        variables = properties.get("Environment", {}).get("Variables", {})
        assert ("IDEMPOTENCY_TABLE" in variables) == folder.startswith("create_"), folder


# --- One endpoint, one folder, one function, one event file, one route


def test_each_endpoint_has_its_folder_function_and_event() -> None:
    """What to do is in docs/architecture.md, "To add an endpoint"."""
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    found = {path.stem for path in (ROOT / "events").glob("*.json")}
    assert sorted(folders ^ set(BY_FOLDER)) == [], "a folder in functions/, or its function in template.yaml"
    assert sorted(found ^ set(BY_FOLDER)) == [], "a function in template.yaml, or its file in events/"


@pytest.mark.parametrize("folder", sorted(ENDPOINTS))
def test_names_follow_the_folder(folder: str) -> None:
    (name,) = [
        name for name, one in FUNCTIONS.items() if one["Properties"]["CodeUri"] == f"functions/{folder}"
    ]
    assert name == "".join(word.capitalize() for word in folder.split("_")) + "Function"
    files = {path.name for path in (ROOT / "functions" / folder).iterdir() if path.name != "__pycache__"}
    assert files == {"handler.py"}, "a function is its handler alone"
    assert len(BY_FOLDER[folder]["Events"]) == 1
    assert BY_FOLDER[folder]["Description"] == " ".join(template.route(folder))


@pytest.mark.parametrize("folder", sorted(ENDPOINTS))
def test_an_event_file_is_what_the_http_api_sends(folder: str) -> None:
    """Payload format 2.0, so that `sam local invoke -e` gives a function what the gateway would."""
    event = json.loads((ROOT / "events" / f"{folder}.json").read_text("utf-8"))
    method, path = template.route(folder)
    http = event["requestContext"]["http"]
    assert (event["version"], event["routeKey"]) == ("2.0", f"{method} {path}")
    assert (http["method"], http["path"]) == (method, event["rawPath"])
    assert event["requestContext"]["stage"] == "$default"
    assert event["requestContext"]["routeKey"] == event["routeKey"]
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    assert claims["sub"]
    assert all(isinstance(claim, str) for claim in claims.values())
    assert all(name == name.lower() for name in event["headers"])
    assert path.count("{") == len(event.get("pathParameters", {}))
    for name, value in event.get("pathParameters", {}).items():
        assert event["rawPath"] == path.replace(f"{{{name}}}", value)
    if method in ("POST", "PATCH"):
        assert isinstance(json.loads(event["body"]), dict)
        assert event["isBase64Encoded"] is False
    assert "Bearer eyJ" not in json.dumps(event), "no token in the repository"


# --- How it runs and is watched


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_keeps_its_logs_for_a_while(name: str) -> None:
    groups = template.resources("AWS::Logs::LogGroup")
    assert f"{name}LogGroup" in groups, "a function's log group is in template.yaml"
    group = groups[f"{name}LogGroup"]["Properties"]
    assert group["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{{name}}}"}
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_every_log_is_kept_for_a_while_and_none_for_ever() -> None:
    for name, group in template.resources("AWS::Logs::LogGroup").items():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name
        assert group["DeletionPolicy"] == "Delete", name


def test_functions_are_traced_and_end_before_the_api_gives_up() -> None:
    settings = template.template()["Globals"]["Function"]
    assert settings["Tracing"] == "Active"
    assert settings["Timeout"] < 30
    assert settings["Layers"] == [{"Ref": "SchedulingLayer"}]
    for name, function in FUNCTIONS.items():
        assert not {"Timeout", "Tracing", "Layers"} & set(function["Properties"]), name


def test_the_layer_is_built_for_the_processor_that_runs_it() -> None:
    layer = template.resources("AWS::Serverless::LayerVersion")["SchedulingLayer"]
    architecture = {"Ref": "Architecture"}
    assert layer["Metadata"]["BuildArchitecture"] == architecture
    assert layer["Properties"]["CompatibleArchitectures"] == [architecture]
    assert template.template()["Globals"]["Function"]["Architectures"] == [architecture]


def test_alarms_and_dashboard_watch_every_endpoint() -> None:
    """Not the page that shows the API, which may be left out of a deployment."""
    alarms = template.resources("AWS::CloudWatch::Alarm")
    endpoints = [name for name, function in FUNCTIONS.items() if "Condition" not in function]
    for metric in ("Errors", "Throttles"):
        texts = [text for text in map(json.dumps, alarms.values()) if f'"MetricName": "{metric}"' in text]
        assert [name for name in endpoints if f'"Ref": "{name}"' not in "".join(texts)] == [], metric
        assert all(text.count("MetricStat") <= 10 for text in texts), "CloudWatch adds up ten at the most"
    (dashboard,) = template.resources("AWS::CloudWatch::Dashboard").values()
    text = json.dumps(dashboard["Properties"]["DashboardBody"])
    assert [name for name in endpoints if f"/aws/lambda/${{{name}}}" not in text] == [], (
        "the dashboard's query"
    )
    assert all(alarm["Condition"] == "Alarms" for alarm in alarms.values())


# --- What is deployed is what runs

SETTINGS = {
    "Architecture": "x86_64",
    "SnapStart": "on",
    "LogLevel": "DEBUG",
    "RetentionDays": "7",
    "RolesClaim": "roles",
    "JwtIssuer": "https://login.example.com",
    "JwtAudience": "other",
    "DynamoDbEndpoint": "http://127.0.0.1:8000",
}
"""Another value for each parameter that a function's configuration uses."""


def referenced(value: Any) -> set[str]:
    """Return the parameters that a value of the template uses, through conditions too."""
    names = set[str]()
    if isinstance(value, list):
        names = set().union(*map(referenced, value))
    elif isinstance(value, dict):
        for key, content in value.items():
            if key == "Ref":
                names.add(content)
            elif key == "Fn::If":
                names |= referenced(template.template()["Conditions"][content[0]]) | referenced(content[1:])
            else:
                names |= referenced(content)
    return names & set(template.template()["Parameters"])


def published_versions(layer: str = "s3://bucket/layer", **parameters: str) -> dict[str, str]:
    """Return the function versions that a deployment needs: their descriptions, by logical id.

    CloudFormation publishes a version when its logical id is new or its description changes.
    """
    packaged = deepcopy(template.template())
    for resource in packaged["Resources"].values():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = f"s3://bucket/{properties['CodeUri']}"
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = layer
    with mock.patch.dict("os.environ", AWS_DEFAULT_REGION="eu-west-1"):
        transformed = Translator({}, Parser()).translate(packaged, parameters)
    return {
        name: template.resolve(resource["Properties"].get("Description", ""), parameters)
        for name, resource in transformed["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version"
    }


def test_the_settings_above_are_all_that_a_functions_configuration_uses() -> None:
    # Lambda refuses to publish a version when nothing of the function has changed.
    rest = {"DeploymentPreference", "Policies", "Events", "VersionDescription"}
    configurations = [template.template()["Globals"]["Function"], *BY_FOLDER.values()]
    used = [referenced(value) for one in configurations for name, value in one.items() if name not in rest]
    assert set().union(*used) == set(SETTINGS)


def test_a_deployment_that_changes_nothing_publishes_no_version() -> None:
    versions = published_versions()
    assert len(versions) == len(FUNCTIONS)
    assert published_versions() == versions


def test_another_layer_publishes_a_version_of_every_function() -> None:
    before, after = published_versions(), published_versions(layer="s3://bucket/other")
    assert len(after) == len(FUNCTIONS)
    assert set(before) & set(after) == set()


@pytest.mark.parametrize("parameter", SETTINGS)
def test_another_value_of_a_setting_publishes_a_version_of_every_function(parameter: str) -> None:
    own_issuer = {"JwtIssuer": "https://issuer.test", "JwtAudience": "sessions"}
    before = published_versions(**own_issuer)
    after = published_versions(**own_issuer | {parameter: SETTINGS[parameter]})
    assert before.items() & after.items() == set()


def test_an_audience_without_an_issuer_publishes_no_version() -> None:
    assert published_versions(JwtAudience="other") == published_versions(JwtAudience="")


@pytest.mark.parametrize("parameter", sorted(set(template.template()["Parameters"]) - set(SETTINGS)))
def test_another_value_of_any_other_parameter_publishes_no_version(parameter: str) -> None:
    assert published_versions(**{parameter: "1"}) == published_versions()


def test_the_description_of_a_version_has_room_for_long_settings() -> None:
    """Lambda takes 256 characters."""
    settings = SETTINGS | {"JwtIssuer": "", "JwtAudience": "", "DynamoDbEndpoint": "", "LogLevel": "CRITICAL"}
    (description,) = set(published_versions(**settings | {"RetentionDays": "3650"}).values())
    assert len(description) <= 50


# --- What is kept


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_backed_up_encrypted_and_paid_by_use(name: str) -> None:
    properties = TABLES[name]["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert "TableName" not in properties, "a named table cannot be replaced"


@pytest.mark.parametrize("name", ["SessionsTable", "TimelinesTable", "CalendarTable"])
def test_what_people_wrote_outlives_the_stack(name: str) -> None:
    assert TABLES[name]["UpdateReplacePolicy"] == "Retain"
    assert TABLES[name]["DeletionPolicy"] in ("Retain", "RetainExceptOnCreate")
    assert template.template()["Parameters"]["DeletionProtection"]["Default"] == "true"


def test_what_expires_is_purged_and_the_calendar_never_is() -> None:
    purged = {
        name: table["Properties"]["TimeToLiveSpecification"]
        for name, table in TABLES.items()
        if "TimeToLiveSpecification" in table["Properties"]
    }
    expected = {"AttributeName": "expiresAt", "Enabled": True}
    assert purged == dict.fromkeys(("SessionsTable", "TimelinesTable", "IdempotencyTable"), expected)


def test_users_are_made_by_administrators_alone() -> None:
    pool = template.resources("AWS::Cognito::UserPool")["UserPool"]
    assert pool["Condition"] == "OwnPool"
    assert pool["Properties"]["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["Properties"]["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12
    groups = template.resources("AWS::Cognito::UserPoolGroup").values()
    assert {group["Properties"]["GroupName"] for group in groups} == {"ADMIN", "MANAGER", "USER"}
    (client,) = template.resources("AWS::Cognito::UserPoolClient").values()
    assert "ALLOW_USER_PASSWORD_AUTH" not in client["Properties"]["ExplicitAuthFlows"]


def test_an_external_issuer_needs_an_audience() -> None:
    """Without one, a token that the issuer made for any other application would do."""
    (rule,) = template.template()["Rules"].values()
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Contains": [{"Ref": "JwtAudience"}, ""]}]}


def test_parameters_are_explained_and_have_defaults_that_work() -> None:
    parameters = template.template()["Parameters"]
    grouped = template.template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert {name for group in grouped for name in group["Parameters"]} == set(parameters)
    for name, parameter in parameters.items():
        assert "Default" in parameter, name
        assert parameter["Description"].endswith("."), name
