"""What the documentation lists is what there is: codes, parameters, alarms, fields of the log, routes, files."""

import io
import json
import re
from collections.abc import Iterator

import pytest

from scheduling import errors
from scheduling.http import request_log
from tests import template
from tests.template import ROOT

PAGES = ("README.md", "SECURITY.md", *(f"docs/{name}.md" for name in ("architecture", "guide", "operations")))
FOLDERS = ("bench", "docs", "events", "functions", "layers", "local", "tests")


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def rows(name: str, first: str) -> list[list[str]]:
    """The rows of the page's table whose first column is called that."""
    _, found, after = page(name).partition(f"| {first} |")
    assert found, f"{name} has a table of {first}"
    lines = after.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def failures(error: type[errors.ApiError] = errors.ApiError) -> Iterator[tuple[int, str]]:
    """Every status and code that a failure may have."""
    for kind in error.__subclasses__():
        yield kind.status, kind.code
        yield from failures(kind)


def test_the_guide_has_every_code_with_its_status() -> None:
    found = [(int(status), code.strip("`")) for status, code, _ in rows("docs/guide.md", "status")]
    assert sorted(found) == sorted(set(failures()))


def test_operations_has_every_parameter_with_its_default() -> None:
    found: dict[str, str] = {}
    for names, defaults, _ in rows("docs/operations.md", "parameter"):
        found |= zip(quoted(names), defaults.replace("`", "").split(", "), strict=True)
    parameters = template.template()["Parameters"].items()
    assert found == {name: str(one["Default"]) or "none" for name, one in parameters}


def test_operations_has_every_alarm() -> None:
    found = [quoted(alarm)[0] for alarm, _, _ in rows("docs/operations.md", "alarm")]
    assert sorted(found) == sorted(template.resources("AWS::CloudWatch::Alarm"))


def test_the_fields_that_operations_reads_in_the_log_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(request_log._logger().registered_handler, "stream", stream)
    request_log.report(
        request_log.Outcome("id", "POST /sessions", "anna", 409, 1.5, 3, errors.SchedulingConflict([]), 0)
    )
    line = json.loads(stream.getvalue())
    (query,) = re.findall(r"^fields (.*)$", page("docs/operations.md"), re.M)
    fields, condition = query.split(" | filter ")
    asked = {*fields.split(", "), condition.split()[0]} - {"@timestamp"}
    assert len(asked) > 5
    named = [quoted(cell) for *_, cell in rows("docs/operations.md", "alarm")]
    api = template.resources("AWS::Serverless::HttpApi")["Api"]["Properties"]
    access = json.loads(api["AccessLogSettings"]["Format"])
    assert asked - set(line) == set()
    assert {name for names in named for name in names} - set(line) - set(access) == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_route_that_is_named_is_there(name: str) -> None:
    routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for function in template.functions().values()
        for event in function.get("Events", {}).values()
    }
    named = set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /[^`? ]*)[^`]*`", page(name)))
    assert named - routes == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_is_named_is_there(name: str) -> None:
    """Also where a link leads. A name with a part to fill in stands for any."""
    named = [path for path in quoted(page(name)) if path.split("/")[0] in FOLDERS and "/" in path]
    named += [f"{(ROOT / name).parent.relative_to(ROOT)}/{link}" for link in links(page(name))]
    assert named
    for path in named:
        pattern = re.sub(r"<\w+>", "*", path).removesuffix("/")
        assert list(ROOT.glob(pattern.removeprefix("./"))), path


def links(text: str) -> list[str]:
    """The targets of links and pictures that lie in the repository."""
    found = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    return [target for target in found if target and "://" not in target]
