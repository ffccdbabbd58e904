"""What template.yaml promises: who may call, what a function may do, what is kept, and how it is watched."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from scheduling.domain import session, timeline
from tests import template
from tests.template import ROOT

PUBLIC = {"GET /docs", "GET /docs/{file}", "GET /openapi.json"}
"""The routes that need no token; what is behind them has no role and no table."""

FUNCTIONS = template.resources("AWS::Serverless::Function")
TABLES = template.resources("AWS::DynamoDB::Table")
BY_FOLDER = template.functions()
CONSUMER = "update_counters"
"""The function without a route: Lambda calls it with what the tables' streams hold."""
ENDPOINTS = set(BY_FOLDER) - {"get_docs", CONSUMER}


def events() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each function's events."""
    for name, function in FUNCTIONS.items():
        for event in function["Properties"].get("Events", {}).values():
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


def test_only_the_streams_of_sessions_and_timelines_call_the_function_that_counts() -> None:
    mappings = template.resources("AWS::Lambda::EventSourceMapping").values()
    sources = {mapping["Properties"]["EventSourceArn"]["Fn::GetAtt"][0] for mapping in mappings}
    assert sources == {"SessionsTable", "TimelinesTable"}
    assert "Events" not in BY_FOLDER[CONSUMER]
    for mapping in mappings:
        properties = mapping["Properties"]
        assert properties["FunctionName"] == {"Ref": "UpdateCountersFunction.Alias"}
        assert properties["StartingPosition"] == "TRIM_HORIZON", "no change before the mapping is left out"
        assert properties["BisectBatchOnFunctionError"] is True
        assert properties["MaximumRetryAttempts"] > 0
        assert properties["TumblingWindowInSeconds"] > 0, "else Lambda does not name the shard"
        assert "ParallelizationFactor" not in properties, "a shard's records come in order"


def test_the_function_that_counts_may_write_counts_alone() -> None:
    written = {
        statement["Resource"]["Fn::GetAtt"][0]
        for statement in statements(FUNCTIONS["UpdateCountersFunction"])
        if "dynamodb:PutItem" in statement["Action"]
    }
    assert written == {"CountersTable"}
    others = [name for name in FUNCTIONS if name != "UpdateCountersFunction"]
    for name in others:
        for statement in statements(FUNCTIONS[name]):
            if "CountersTable" in json.dumps(statement["Resource"]):
                assert set(statement["Action"]) == {"dynamodb:Query", "dynamodb:BatchGetItem"}, name


def test_routes_are_those_of_the_design() -> None:
    routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}" for _, event in events()
    } - PUBLIC
    assert routes == {
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
        actions = statement["Action"]
        if actions != ["dynamodb:ListStreams"]:  # IAM knows no resource for this action
            assert "*" not in json.dumps(statement)
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
    endpoints = [
        name
        for name, function in FUNCTIONS.items()
        if function["Properties"]["CodeUri"].removeprefix("functions/") in ENDPOINTS
    ]
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


def test_counting_is_watched() -> None:
    """A failing function holds up its shard, and the counts fall behind."""
    alarms = [alarm["Properties"] for alarm in template.resources("AWS::CloudWatch::Alarm").values()]
    watched = {
        alarm["MetricName"]
        for alarm in alarms
        if {"Name": "FunctionName", "Value": {"Ref": "UpdateCountersFunction"}} in alarm.get("Dimensions", ())
    }
    assert watched == {"IteratorAge", "Errors"}


# --- What is kept


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_backed_up_encrypted_and_paid_by_use(name: str) -> None:
    properties = TABLES[name]["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert "TableName" not in properties, "a named table cannot be replaced"


@pytest.mark.parametrize("name", ["SessionsTable", "TimelinesTable", "CalendarTable", "CountersTable"])
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
    tables = ("SessionsTable", "TimelinesTable", "CountersTable", "IdempotencyTable")
    assert purged == dict.fromkeys(tables, expected)


@pytest.mark.parametrize(
    ("name", "fields"), [("SessionsTable", session.FIELDS), ("TimelinesTable", timeline.FIELDS)]
)
def test_indexes_carry_what_lists_return_and_no_totals(name: str, fields: tuple[str, ...]) -> None:
    """What one session changes in its timeline's item must cost no index write."""
    table = TABLES[name]["Properties"]
    for index in table["GlobalSecondaryIndexes"]:
        projection = index["Projection"]
        assert projection["ProjectionType"] == "INCLUDE"
        assert len(projection["NonKeyAttributes"]) <= 20, "DynamoDB projects no more"
        keys = {key["AttributeName"] for key in (*table["KeySchema"], *index["KeySchema"])}
        carried = keys | set(projection["NonKeyAttributes"])
        assert {*fields, "version"} - {"removedAt"} <= carried, index["IndexName"]
        assert not carried & {"sessionCounts", "longDescription"}


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
