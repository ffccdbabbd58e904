"""Comparison of the documentation with code and template: codes, parameters, alarms, log fields, routes, files."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from scheduling import errors
from scheduling.domain.permissions import ROLES, Action, Principal, reaches
from scheduling.domain.time_zones import database_version
from scheduling.http import request_log
from scheduling.http.event import read_event
from scheduling.telemetry import telemetry
from tests.support import template
from tests.support.template import ROOT

PAGES = ("README.md", "SECURITY.md", *(f"docs/{name}.md" for name in ("architecture", "guide", "operations")))
RECORDS = tuple(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs" / "decisions").glob("*.md")))
FOLDERS = ("bench", "docs", "events", "functions", "layers", "local", "requirements", "tests", "tools")


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def rows(name: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose first column has the heading `first`."""
    _, found, after = page(name).partition(f"| {first} |")
    assert found, f"{name} has no table with the heading {first}"
    lines = after.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code_spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def failures(error: type[errors.ApiError] = errors.ApiError) -> Iterator[tuple[int, str]]:
    """Yield the status and the code of every error class."""
    for kind in error.__subclasses__():
        yield kind.status, kind.code
        yield from failures(kind)


def test_the_guide_lists_every_error_code_with_its_status() -> None:
    found = [(int(status), code.strip("`")) for status, code, _ in rows("docs/guide.md", "status")]
    assert sorted(found) == sorted(set(failures()))


def test_the_permission_table_of_the_guide_agrees_with_the_code() -> None:
    found = {action: cells for action, *cells in rows("docs/guide.md", "action")}
    assert found == {
        str(action): [str(reaches(Principal("ada", frozenset({role})), action)) for role in ROLES]
        for action in Action
    }


def test_the_guide_names_the_headers_that_a_web_page_may_send_and_read() -> None:
    cors = template.resources("AWS::Serverless::HttpApi")["Api"]["Properties"]["CorsConfiguration"]["Fn::If"][
        1
    ]
    for sentence, kind in (("may send", "allowHeaders"), ("may read", "exposeHeaders")):
        (line,) = re.findall(rf"^- A page {sentence} the headers (.*)$", page("docs/guide.md"), re.M)
        assert {name.lower() for name in code_spans(line)} == set(cors[kind])


def test_operations_md_lists_every_parameter_with_its_default() -> None:
    found: dict[str, str] = {}
    for names, defaults, _ in rows("docs/operations.md", "parameter"):
        found |= zip(code_spans(names), defaults.replace("`", "").split(", "), strict=True)
    parameters = template.template()["Parameters"].items()
    assert found == {name: str(one["Default"]) or "none" for name, one in parameters}


def test_operations_md_lists_every_alarm() -> None:
    found = [code_spans(alarm)[0] for alarm, _, _ in rows("docs/operations.md", "alarm")]
    assert sorted(found) == sorted(template.resources("AWS::CloudWatch::Alarm"))


def test_operations_md_lists_every_field_of_the_request_log(log_fields: dict[str, object]) -> None:
    fields = {name for cell, _ in rows("docs/operations.md", "log field") for name in code_spans(cell)}
    by_the_logger = {
        "level",
        "message",
        "timestamp",
        "service",
        "exception",
        "exception_name",
        "stack_trace",
        "_aws",
    }
    assert fields == set(log_fields) - by_the_logger


def test_operations_md_refers_only_to_existing_log_fields(log_fields: dict[str, object]) -> None:
    (query,) = re.findall(r"^fields (.*)$", page("docs/operations.md"), re.M)
    fields, condition = query.split(" | filter ")
    asked = {*fields.split(", "), condition.split()[0]} - {"@timestamp"}
    assert len(asked) > 5
    named = [code_spans(cell) for *_, cell in rows("docs/operations.md", "alarm")]
    api = template.resources("AWS::Serverless::HttpApi")["Api"]["Properties"]
    access = json.loads(api["AccessLogSettings"]["Format"])
    assert asked - set(log_fields) == set()
    assert {name for names in named for name in names} - set(log_fields) - set(access) == set()


@pytest.fixture
def log_fields(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return every field that the request log writes for requests with different outcomes."""
    context = SimpleNamespace(aws_request_id="1", function_name="f", function_version="1")
    path = {"sessionId": "a", "timelineId": "b"}
    event = read_event({"requestContext": {"requestId": "id"}, "pathParameters": path})
    found: dict[str, object] = {}
    telemetry.reset()
    telemetry.record_retry()
    database_version()
    monkeypatch.setattr(telemetry, "named_time_zone_database", False)
    telemetry.record_call("get_item", 1.5)
    monkeypatch.setattr(telemetry, "requests", 1)
    for error in (
        errors.InvalidTimeline(),
        errors.SchedulingConflict([]),
        errors.RetriesExhausted(),
        errors.Throttled(),
        ValueError(),
    ):
        stream = io.StringIO()
        monkeypatch.setattr(request_log.logger().registered_handler, "stream", stream)
        status = error.status if isinstance(error, errors.ApiError) else 500
        caller = Principal("anna", frozenset())
        request_log.report(
            request_log.Outcome(event, context, caller, None, status, 1.5, error, datetime.now(UTC))
        )
        found |= json.loads(stream.getvalue())
    telemetry.reset()
    return found


def test_the_guide_lists_every_fault_code() -> None:
    found = [code for cell, _ in rows("docs/guide.md", "fault") for code in code_spans(cell)]
    assert sorted(found) == sorted(get_args(errors.FaultCode))


@pytest.mark.parametrize("name", PAGES)
def test_every_documented_route_exists(name: str) -> None:
    routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for function in template.functions().values()
        for event in function.get("Events", {}).values()
    }
    named = set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /[^`? ]*)[^`]*`", page(name)))
    assert named - routes == set()


@pytest.mark.parametrize("name", [*PAGES, "CONTRIBUTING.md", *RECORDS])
def test_every_documented_file_exists(name: str) -> None:
    """Check named and linked files. A placeholder such as `<verb>` in a name stands for any text."""
    named = [path for path in code_spans(page(name)) if path.split("/")[0] in FOLDERS and "/" in path]
    named += [f"{(ROOT / name).parent.relative_to(ROOT)}/{link}" for link in links(page(name))]
    assert named or name in RECORDS
    for path in named:
        pattern = re.sub(r"<\w+>", "*", path).removesuffix("/")
        assert list(ROOT.glob(pattern.removeprefix("./"))), path


def links(text: str) -> list[str]:
    """Return the targets of links and pictures inside the repository."""
    found = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    return [target for target in found if target and "://" not in target]


def test_the_index_links_to_every_decision_record() -> None:
    index = "docs/decisions/README.md"
    assert sorted(links(page(index))) == [Path(name).name for name in RECORDS if name != index]
