"""Properties of template.yaml: callers, roles, retention, alarms."""

import json
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import pytest

from scheduling.domain import session, timeline
from tests.support import template
from tests.support.api import handler, load_event
from tests.support.template import ROOT

PUBLIC_ROUTES = {"GET /docs", "GET /docs/{file}", "GET /openapi.json"}
"""The routes that need no token. Their function must not read a table."""

FUNCTIONS = template.resources("AWS::Serverless::Function")
TABLES = template.resources("AWS::DynamoDB::Table")
BY_FOLDER = template.functions()
CONSUMER = "update_counters"
"""The function without a route, which Lambda calls with the records of the tables' streams."""
ENDPOINTS = set(BY_FOLDER) - {"get_docs", CONSUMER}


def events() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each event with the name of its function."""
    for name, function in FUNCTIONS.items():
        for event in function["Properties"].get("Events", {}).values():
            yield name, event


def statements(function: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of a function's role."""
    return [
        statement
        for policy in function["Properties"].get("Policies", [])
        for statement in policy["Statement"]
    ]


# --- Callers


def test_the_only_api_uses_its_authorizer_by_default() -> None:
    (api,) = template.resources("AWS::Serverless::HttpApi").values()
    auth = api["Properties"]["Auth"]
    assert auth["DefaultAuthorizer"] in auth["Authorizers"]
    assert "EnableIamAuthorizer" not in auth
    (authorizer,) = auth["Authorizers"].values()
    assert authorizer["IdentitySource"] == "$request.header.Authorization"
    assert set(authorizer["JwtConfiguration"]) == {"issuer", "audience"}


def test_every_event_belongs_to_the_only_api_and_only_public_routes_do_without_its_authorizer() -> None:
    """An event without ApiId would create a second API without an authorizer."""
    for name, event in events():
        assert event["Type"] == "HttpApi", name
        route = f"{event['Properties']['Method']} {event['Properties']['Path']}"
        assert event["Properties"]["ApiId"] == {"Ref": "Api"}, name
        auth = {"Authorizer": "NONE"} if route in PUBLIC_ROUTES else None
        assert event["Properties"].get("Auth") == auth, name


def test_the_template_has_no_function_urls_and_no_permissions_or_routes_outside_functions() -> None:
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


def test_only_the_streams_of_sessions_and_timelines_call_update_counters() -> None:
    mappings = template.resources("AWS::Lambda::EventSourceMapping").values()
    sources = {mapping["Properties"]["EventSourceArn"]["Fn::GetAtt"][0] for mapping in mappings}
    assert sources == {"SessionsTable", "TimelinesTable"}
    assert "Events" not in BY_FOLDER[CONSUMER]
    for mapping in mappings:
        properties = mapping["Properties"]
        assert properties["FunctionName"] == {"Ref": "UpdateCountersFunction.Alias"}
        assert properties["StartingPosition"] == "TRIM_HORIZON", (
            "changes that are older than the event source mapping must be counted too"
        )
        assert properties["BisectBatchOnFunctionError"] is True
        assert properties["MaximumRetryAttempts"] > 0
        assert properties["TumblingWindowInSeconds"] > 0, (
            "without a tumbling window, Lambda does not send the id of the shard"
        )
        assert "ParallelizationFactor" not in properties, "the records of a shard must come in order"


def test_update_counters_may_write_only_counts_and_no_other_function_may_write_counts() -> None:
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


def test_the_template_has_exactly_the_expected_routes() -> None:
    routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}" for _, event in events()
    } - PUBLIC_ROUTES
    assert routes == {
        "GET /occurrences",
        *(f"{method} /sessions" for method in ("GET", "POST")),
        *(f"{method} /timelines" for method in ("GET", "POST")),
        *(f"{method} /sessions/{{sessionId}}" for method in ("GET", "PATCH", "DELETE")),
        *(f"{method} /sessions/{{sessionId}}/occurrences/{{date}}" for method in ("PATCH", "DELETE")),
        *(f"POST /sessions/{{sessionId}}/{verb}" for verb in ("split", "restore")),
        *(f"{method} /timelines/{{timelineId}}" for method in ("GET", "PATCH", "DELETE")),
    }, "add a new route to this list"


def test_the_layer_and_the_authorizer_trust_the_same_issuer_and_audience() -> None:
    jwt = template.resources("AWS::Serverless::HttpApi")["Api"]["Properties"]["Auth"]["Authorizers"]["Jwt"]
    variables = template.template()["Globals"]["Function"]["Environment"]["Variables"]
    assert jwt["JwtConfiguration"]["issuer"] == variables["JWT_ISSUER"]
    condition, own, given = jwt["JwtConfiguration"]["audience"]["Fn::If"]
    assert variables["JWT_AUDIENCE"]["Fn::If"] == [condition, own[0], {"Fn::Join": [",", given]}]


def test_web_pages_may_call_the_api_only_from_configured_origins() -> None:
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


def test_each_public_route_has_its_own_throttling_limits() -> None:
    # A deployment fails if it has throttling settings for a route that does not exist. So the public routes and their
    # settings have the same condition.
    settings = template.resources("AWS::Serverless::HttpApi")["Api"]["Properties"]["RouteSettings"]["Fn::If"]
    assert (settings[0], settings[2]) == ("Docs", {"Ref": "AWS::NoValue"})
    assert set(settings[1]) == PUBLIC_ROUTES
    everybody = template.template()["Parameters"]["ThrottlingRateLimit"]["Default"]
    for route, limits in settings[1].items():
        assert 0 < limits["ThrottlingRateLimit"] < everybody, route
    (stage,) = transformed_resources("AWS::ApiGatewayV2::Stage").values()
    assert stage["Properties"]["RouteSettings"] == {"Fn::If": settings}


def transformed_resources(kind: str, **parameters: str) -> dict[str, Any]:
    """Return the resources of a type after the SAM transform."""
    found = template.transform(**parameters)["Resources"].items()
    return {name: resource for name, resource in found if resource["Type"] == kind}


def test_the_execute_api_address_can_be_disabled_when_the_api_has_a_domain() -> None:
    (api,) = transformed_resources("AWS::ApiGatewayV2::Api").values()
    disabled = {"Fn::If": ["OwnDomainOnly", True, False]}
    assert api["Properties"]["Body"]["servers"] == [
        {"x-amazon-apigateway-endpoint-configuration": {"disableExecuteApiEndpoint": disabled}}
    ]
    (mapping,) = template.resources("AWS::ApiGatewayV2::ApiMapping").values()
    assert mapping["Properties"]["ApiId"] == {"Ref": "Api"}
    for kind in ("AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::DomainName"):
        (resource,) = template.resources(kind).values()
        assert resource["Condition"] == "CustomDomain"
    (domain,) = template.resources("AWS::ApiGatewayV2::DomainName").values()
    (configuration,) = domain["Properties"]["DomainNameConfigurations"]
    assert configuration["SecurityPolicy"] == "TLS_1_2"


def test_a_domain_needs_a_certificate_and_an_api_needs_an_address() -> None:
    rules = template.template()["Rules"]
    for rule, parameter, needed in (
        ("ADomainNeedsACertificate", "DomainName", "CertificateArn"),
        ("AnApiNeedsAnAddress", "DisableExecuteApiEndpoint", "DomainName"),
    ):
        assert f'"Ref": "{parameter}"' in json.dumps(rules[rule]["RuleCondition"])
        (assertion,) = rules[rule]["Assertions"]
        assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": needed}, ""]}]}


# --- Permissions of functions


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_lists_its_actions_and_resources_without_wildcards(name: str) -> None:
    """Wildcards, Scan, managed policies and shared roles would allow more than a function uses."""
    properties = FUNCTIONS[name]["Properties"]
    assert "Role" not in properties
    for policy in properties.get("Policies", []):
        assert set(policy) == {"Version", "Statement"}
    for statement in statements(FUNCTIONS[name]):
        assert set(statement) == {"Effect", "Action", "Resource"}
        actions = statement["Action"]
        if actions != ["dynamodb:ListStreams"]:  # IAM cannot limit this action to one resource
            assert "*" not in json.dumps(statement)
        assert isinstance(actions, list)
        assert "dynamodb:Scan" not in actions
        assert all(action.startswith("dynamodb:") for action in actions)


def test_the_function_of_the_docs_page_may_read_no_table_and_can_be_disabled() -> None:
    page = FUNCTIONS["GetDocsFunction"]
    assert statements(page) == []
    assert page["Condition"] == "Docs"
    assert template.template()["Parameters"]["EnableDocs"]["Default"] == "true"


def test_the_template_defines_no_roles_besides_the_roles_of_functions() -> None:
    for kind in ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        assert template.resources(kind) == {}


def test_only_endpoints_that_accept_an_idempotency_key_know_the_idempotency_table() -> None:
    for folder, properties in BY_FOLDER.items():
        variables = properties.get("Environment", {}).get("Variables", {})
        creates = folder in ENDPOINTS and handler(folder).endpoint.creates is not None
        assert ("IDEMPOTENCY_TABLE" in variables) == creates, folder


# --- Names: each endpoint has one folder, one function, one event file and one route


def test_each_endpoint_has_its_folder_function_and_event() -> None:
    """The section "To add an endpoint" of docs/architecture.md lists all steps."""
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    found = {path.stem for path in (ROOT / "events").glob("*.json")}
    assert sorted(folders ^ set(BY_FOLDER)) == [], (
        "the folder in functions/ or the function in template.yaml is missing"
    )
    assert sorted(found ^ set(BY_FOLDER)) == [], (
        "the function in template.yaml or the file in events/ is missing"
    )


@pytest.mark.parametrize("folder", sorted(ENDPOINTS))
def test_a_function_has_the_name_of_its_folder_and_its_route_as_description(folder: str) -> None:
    (name,) = [
        name for name, one in FUNCTIONS.items() if one["Properties"]["CodeUri"] == f"functions/{folder}"
    ]
    assert name == "".join(word.capitalize() for word in folder.split("_")) + "Function"
    files = {path.name for path in (ROOT / "functions" / folder).iterdir() if path.name != "__pycache__"}
    assert files == {"handler.py"}, "a function's folder contains only its handler"
    assert len(BY_FOLDER[folder]["Events"]) == 1
    assert BY_FOLDER[folder]["Description"] == " ".join(template.route(folder))


@pytest.mark.parametrize("folder", sorted(ENDPOINTS))
def test_an_event_file_has_the_format_of_the_http_api(folder: str) -> None:
    """`sam local invoke -e` sends the file unchanged to the function. So the file needs the format of an API event."""
    event = load_event(folder)
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
        path = path.replace(f"{{{name}}}", value)
    assert event["rawPath"] == path
    if handler(folder).endpoint.body:
        assert isinstance(json.loads(event["body"]), dict)
        assert event["isBase64Encoded"] is False
    assert "Bearer eyJ" not in json.dumps(event), "the repository must not contain a token"


# --- Settings and alarms of functions


def test_all_functions_write_to_one_log_group() -> None:
    assert template.template()["Globals"]["Function"]["LoggingConfig"] == {
        "LogGroup": {"Ref": "FunctionLogGroup"}
    }
    assert not any("LoggingConfig" in function["Properties"] for function in FUNCTIONS.values())
    assert set(template.resources("AWS::Logs::LogGroup")) == {"FunctionLogGroup", "AccessLogGroup"}


def test_every_log_group_has_a_retention_time() -> None:
    for name, group in template.resources("AWS::Logs::LogGroup").items():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name
        assert group["DeletionPolicy"] == "Delete", name


def test_functions_are_not_traced_and_time_out_before_the_api() -> None:
    settings = template.template()["Globals"]["Function"]
    assert settings["Tracing"] == "PassThrough"
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


def test_a_new_endpoint_needs_no_new_alarm_or_dashboard() -> None:
    """An alarm can sum at most ten metrics, and the API has more functions. So no alarm sums metrics of functions."""
    alarms = template.resources("AWS::CloudWatch::Alarm")
    endpoints = {name for name, function in FUNCTIONS.items() if has_route(function)}
    watching = json.dumps([*alarms.values(), *template.resources("AWS::CloudWatch::Dashboard").values()])
    assert [name for name in sorted(endpoints) if name in watching] == []
    assert all("Metrics" not in alarm["Properties"] for alarm in alarms.values())
    assert all(alarm["Condition"] == "Alarms" for alarm in alarms.values())


def has_route(function: dict[str, Any]) -> bool:
    """Return whether the API calls a function."""
    return any(event["Type"] == "HttpApi" for event in function["Properties"].get("Events", {}).values())


FAILED_CALLS = [
    "[ERROR] Runtime.ImportModuleError: Unable to import module 'handler': No module named 'scheduling'",
    "[ERROR] ValueError: too late\nTraceback (most recent call last):",
    "2026-11-23T09:12:44.031Z 3f2b8c1e-6a4d-4f0b-9d53-0c1f7a2e9b64 Task timed out after 29.00 seconds",
    "RequestId: 3f2b8c1e Error: Runtime exited with error: signal: killed",
    "REPORT RequestId: 3f2b8c1e\tDuration: 29000.00 ms\tBilled Duration: 29000 ms\tStatus: timeout",
    "REPORT RequestId: 3f2b8c1e\tDuration: 12.00 ms\tStatus: error\tError Type: Runtime.ExitError",
]
"""Lines that Lambda's runtime writes when a function fails."""
OTHER_LINES = [
    "START RequestId: 3f2b8c1e-6a4d-4f0b-9d53-0c1f7a2e9b64 Version: 12",
    "REPORT RequestId: 3f2b8c1e\tDuration: 9.08 ms\tBilled Duration: 10 ms\tInit Duration: 310.44 ms",
    '{"level":"INFO","message":"request","route":"POST /sessions","status":200}',
    '{"level":"ERROR","message":"request failed","status":503,"code":"SERVICE_UNAVAILABLE"}',
]


@pytest.mark.parametrize(
    ("line", "counted"), [*((x, 1) for x in FAILED_CALLS), *((x, 0) for x in OTHER_LINES)]
)
def test_the_metric_filter_counts_failed_calls_and_no_other_log_lines(line: str, counted: int) -> None:
    (metric,) = template.resources("AWS::Logs::MetricFilter").values()
    pattern = metric["Properties"]["FilterPattern"]
    terms = re.findall(r'\?"([^"]+)"', pattern)
    assert pattern == " ".join(f'?"{term}"' for term in terms), (
        "the pattern must be a list of terms, so that a line matches if it contains any of the terms"
    )
    assert any(term in line for term in terms) == bool(counted)


def test_the_alarm_on_errors_reads_the_metric_of_the_metric_filter() -> None:
    (metric,) = template.resources("AWS::Logs::MetricFilter").values()
    (counts,) = metric["Properties"]["MetricTransformations"]
    alarm = template.resources("AWS::CloudWatch::Alarm")["FunctionErrorsAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (counts["MetricNamespace"], counts["MetricName"])
    assert counts["MetricName"] == {"Fn::Sub": "${AWS::StackName}-FunctionErrors"}, (
        "each stack must have a metric of its own"
    )
    assert metric["Properties"]["LogGroupName"] == {"Ref": "FunctionLogGroup"}


def test_no_resource_depends_on_itself() -> None:
    """The API refers to aliases, an alias to its deployment group, and a deployment group to its alarms.

    So if one of these alarms referred to the API, the alarm would depend on itself.
    """
    resources = template.transform(GradualDeployment="true", EnableAlarms="true")["Resources"]
    known = set(resources)
    needs = {name: find_references(resource) & known - {name} for name, resource in resources.items()}
    group = next(name for name in needs if name.endswith("DeploymentGroup"))
    assert {"FunctionErrorsAlarm", "FailedRequestsAlarm"} <= needs[group]
    TopologicalSorter(needs).prepare()


def find_references(value: Any) -> set[str]:
    """Return the names that a value of the template refers to."""
    if isinstance(value, list):
        return set().union(*map(find_references, value))
    if not isinstance(value, dict):
        return set()
    names = set[str]()
    for key, content in value.items():
        if key == "Ref":
            names.add(content)
        elif key == "DependsOn":
            names |= {content} if isinstance(content, str) else set(content)
        elif key == "Fn::GetAtt":
            names.add((content if isinstance(content, str) else content[0]).split(".")[0])
        elif key == "Fn::Sub":
            text, *_ = [content] if isinstance(content, str) else content
            names |= {name.split(".")[0] for name in re.findall(r"\$\{([\w.:]+)\}", text)}
            names |= find_references(content)
        else:
            names |= find_references(content)
    return names


def test_the_searches_of_the_dashboard_find_all_functions_of_the_stack() -> None:
    """If the stack's name were in quotes, the search would find only a function with exactly this name."""
    (dashboard,) = template.resources("AWS::CloudWatch::Dashboard").values()
    body = dashboard["Properties"]["DashboardBody"]["Fn::Sub"]
    json.loads(body)
    searches = re.findall(r"FunctionName=(\S+)'?,", body)
    assert len(searches) == 3
    assert {search.strip("'") for search in searches} == {"${AWS::StackName}"}
    assert "SOURCE '${FunctionLogGroup}'" in body


def test_each_allowed_reserved_concurrency_has_a_condition_in_the_template() -> None:
    cap = template.template()["Globals"]["Function"]["ReservedConcurrentExecutions"]
    allowed = template.template()["Parameters"]["ReservedConcurrency"]["AllowedValues"]
    assert sorted(find_choices(cap), key=str) == sorted([*map(int, allowed[1:]), None], key=str)
    assert template.template()["Parameters"]["ReservedConcurrency"]["Default"] == allowed[0] == "none"
    conditions = template.template()["Conditions"]
    for number in allowed[1:]:
        equals = {"Fn::Equals": [{"Ref": "ReservedConcurrency"}, number]}
        (condition,) = [name for name, value in conditions.items() if value == equals]
        assert f'["{condition}", {number}, ' in json.dumps(cap)


def find_choices(value: Any) -> list[int | None]:
    """Return all values that nested `Fn::If` conditions can choose, with None for `AWS::NoValue`."""
    if value == {"Ref": "AWS::NoValue"}:
        return [None]
    if isinstance(value, dict):
        _, first, second = value["Fn::If"]
        return [*find_choices(first), *find_choices(second)]
    return [value]


# --- Published versions

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
"""A new value for each parameter that a function's configuration uses."""


def find_parameters(value: Any) -> set[str]:
    """Return the parameters that a value of the template uses, directly or through conditions."""
    names = set[str]()
    if isinstance(value, list):
        names = set().union(*map(find_parameters, value))
    elif isinstance(value, dict):
        for key, content in value.items():
            if key == "Ref":
                names.add(content)
            elif key == "Fn::If":
                names |= find_parameters(template.template()["Conditions"][content[0]]) | find_parameters(
                    content[1:]
                )
            else:
                names |= find_parameters(content)
    return names & set(template.template()["Parameters"])


def test_settings_contains_every_parameter_that_the_configuration_of_functions_uses() -> None:
    # Lambda publishes a version only if the code or the configuration of a function has changed.
    # The following properties are not part of a function's configuration.
    rest = {
        "DeploymentPreference",
        "Policies",
        "Events",
        "VersionDescription",
        "ReservedConcurrentExecutions",
    }
    configurations = [template.template()["Globals"]["Function"], *BY_FOLDER.values()]
    used = [
        find_parameters(value) for one in configurations for name, value in one.items() if name not in rest
    ]
    assert set().union(*used) == set(SETTINGS)


def test_every_function_has_a_published_version() -> None:
    assert len(template.published_versions()) == len(FUNCTIONS)


def test_a_changed_layer_publishes_a_version_of_every_function() -> None:
    before, after = template.published_versions(), template.published_versions(layer="s3://bucket/other")
    assert len(after) == len(FUNCTIONS)
    assert set(before) & set(after) == set()


@pytest.mark.parametrize("parameter", SETTINGS)
def test_a_changed_setting_publishes_a_version_of_every_function(parameter: str) -> None:
    own_issuer = {"JwtIssuer": "https://issuer.test", "JwtAudience": "sessions"}
    before = template.published_versions(**own_issuer)
    after = template.published_versions(**own_issuer | {parameter: SETTINGS[parameter]})
    assert before.items() & after.items() == set()


def test_a_changed_audience_without_an_issuer_publishes_no_version() -> None:
    assert template.published_versions(JwtAudience="other") == template.published_versions(JwtAudience="")


@pytest.mark.parametrize("parameter", sorted(set(template.template()["Parameters"]) - set(SETTINGS)))
def test_a_change_of_any_other_parameter_publishes_no_version(parameter: str) -> None:
    assert template.published_versions(**{parameter: "1"}) == template.published_versions()


def test_the_description_of_a_version_has_room_for_long_settings() -> None:
    """Lambda accepts descriptions of at most 256 characters.

    If the name of the roles claim is short, a description without the issuer, the audience and the endpoint has at most
    50 characters. So 206 characters remain for these three settings.
    """
    settings = SETTINGS | {"JwtIssuer": "", "JwtAudience": "", "DynamoDbEndpoint": "", "LogLevel": "CRITICAL"}
    (description,) = set(template.published_versions(**settings | {"RetentionDays": "3650"}).values())
    assert len(description) <= 50


def test_alarms_watch_update_counters() -> None:
    """While `update_counters` fails, Lambda sends no later records of the shard. So the counts become outdated."""
    alarms = [alarm["Properties"] for alarm in template.resources("AWS::CloudWatch::Alarm").values()]
    watched = {
        alarm["MetricName"]
        for alarm in alarms
        if {"Name": "FunctionName", "Value": {"Ref": "UpdateCountersFunction"}} in alarm.get("Dimensions", ())
    }
    assert watched == {"IteratorAge", "Errors"}


# --- Retention and deletion


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_backed_up_encrypted_and_billed_per_request(name: str) -> None:
    properties = TABLES[name]["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert "TableName" not in properties, "a named table cannot be replaced"


@pytest.mark.parametrize("name", ["SessionsTable", "TimelinesTable", "CalendarTable", "CountersTable"])
def test_tables_with_data_are_retained_when_the_stack_is_deleted(name: str) -> None:
    assert TABLES[name]["UpdateReplacePolicy"] == "Retain"
    assert TABLES[name]["DeletionPolicy"] == "Retain"
    assert TABLES[name]["Properties"]["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert template.template()["Parameters"]["DeletionProtection"]["Default"] == "true"


PROTECTED = {
    "AWS::DynamoDB::Table": "DeletionProtectionEnabled",
    "AWS::Cognito::UserPool": "DeletionProtection",
}
"""The types of resources with deletion protection, each with the property that enables the protection."""


@pytest.mark.parametrize("name", [name for kind in PROTECTED for name in template.resources(kind)])
def test_cloudformation_does_not_try_to_delete_a_resource_with_deletion_protection(name: str) -> None:
    """CloudFormation cannot delete a resource with deletion protection.

    If CloudFormation tries, the stack ends in DELETE_FAILED, or in ROLLBACK_FAILED after a failed first deployment.
    """
    resource = template.template()["Resources"][name]
    if resource["Properties"][PROTECTED[resource["Type"]]] is not False:
        assert resource["DeletionPolicy"] == "Retain"


def test_tables_with_expiring_items_have_a_ttl_and_the_calendar_has_none() -> None:
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
def test_indexes_contain_the_fields_of_lists_and_no_counts(name: str, fields: tuple[str, ...]) -> None:
    """Because the indexes contain no counts, a change of a timeline's counts writes no index."""
    table = TABLES[name]["Properties"]
    for index in table["GlobalSecondaryIndexes"]:
        projection = index["Projection"]
        assert projection["ProjectionType"] == "INCLUDE"
        assert len(projection["NonKeyAttributes"]) <= 20, "DynamoDB projects at most 20 attributes"
        keys = {key["AttributeName"] for key in (*table["KeySchema"], *index["KeySchema"])}
        carried = keys | set(projection["NonKeyAttributes"])
        assert {*fields, "version"} - {"removedAt"} <= carried, index["IndexName"]
        assert not carried & {"sessionCounts", "longDescription"}


def test_only_administrators_create_users() -> None:
    pool = template.resources("AWS::Cognito::UserPool")["UserPool"]
    assert pool["Condition"] == "OwnPool"
    assert pool["Properties"]["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["Properties"]["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12
    groups = template.resources("AWS::Cognito::UserPoolGroup").values()
    assert {group["Properties"]["GroupName"] for group in groups} == {"ADMIN", "MANAGER", "USER"}
    (client,) = template.resources("AWS::Cognito::UserPoolClient").values()
    assert "ALLOW_USER_PASSWORD_AUTH" not in client["Properties"]["ExplicitAuthFlows"]


def test_browsers_sign_in_only_by_authorization_code_and_only_if_callback_urls_are_set() -> None:
    (client,) = template.resources("AWS::Cognito::UserPoolClient").values()
    oauth = {
        "AllowedOAuthFlowsUserPoolClient": [True, False],
        "AllowedOAuthFlows": [["code"], {"Ref": "AWS::NoValue"}],
        "CallbackURLs": [{"Ref": "CallbackUrls"}, {"Ref": "AWS::NoValue"}],
    }
    for name, values in oauth.items():
        assert client["Properties"][name] == {"Fn::If": ["SignInPage", *values]}
    assert client["Properties"]["GenerateSecret"] is False, (
        "browsers cannot keep a client secret and use PKCE"
    )
    (domain,) = template.resources("AWS::Cognito::UserPoolDomain").values()
    assert domain["Condition"] == template.template()["Outputs"]["SignInUrl"]["Condition"] == "SignInPage"
    assert template.template()["Parameters"]["CallbackUrls"]["Default"] == ""


def test_users_may_add_a_second_factor() -> None:
    pool = template.resources("AWS::Cognito::UserPool")["UserPool"]["Properties"]
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])


def test_an_external_issuer_needs_an_audience() -> None:
    """Without an audience, the API would accept tokens that the issuer made for other applications."""
    rule = template.template()["Rules"]["AnIssuerNeedsAnAudience"]
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Contains": [{"Ref": "JwtAudience"}, ""]}]}


def test_each_parameter_has_a_group_a_description_and_a_default() -> None:
    parameters = template.template()["Parameters"]
    grouped = template.template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert {name for group in grouped for name in group["Parameters"]} == set(parameters)
    for name, parameter in parameters.items():
        assert "Default" in parameter, name
        assert parameter["Description"].endswith("."), name


@pytest.mark.parametrize(
    ("issuer", "accepted"),
    [
        ("", True),
        ("https://login.example.com/realms/one", True),
        ("http://127.0.0.1:4580/pool", True),
        ("http://localhost:4580", True),
        ("http://login.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost@example.com", False),
        ("https://", False),
        ("login.example.com", False),
    ],
)
def test_an_issuer_without_https_is_accepted_only_on_localhost(issuer: str, accepted: bool) -> None:
    pattern = template.template()["Parameters"]["JwtIssuer"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, issuer)) == accepted
