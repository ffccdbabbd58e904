"""Local stack: table names for `sam local`, and the values of CORS."""

import pytest

from local import stack
from local.stack import Stack
from tests.support import template


def test_the_variables_for_sam_local_name_every_table(monkeypatch: pytest.MonkeyPatch) -> None:
    names = template.resources("AWS::DynamoDB::Table")
    outputs = {f"{name}Name": f"deployed {name}" for name in names}
    monkeypatch.setattr(Stack, "outputs", outputs)
    expected = {
        variable: f"deployed {name}" for variable, name in template.environment().items() if name in names
    }
    assert Stack("unit").tables() == expected


@pytest.mark.parametrize(
    "text", ["*", "http://localhost:5173", "https://a.b", "https://a.b,http://[::1]:80", "http://10.0.0.1"]
)
def test_cors_accepts_an_asterisk_and_origins_separated_by_commas(text: str) -> None:
    assert stack.parse_origins(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "foo",
        "localhost:5173",
        "https://a.b/",
        "https://a.b/page",
        "https://A.b",
        "ftp://a.b",
        "https://a.b:",
        "https://a.b\n",
        "https://a.b, https://c.d",
        "https://a.b,",
        "https://a.b,*",
    ],
)
def test_an_invalid_value_of_cors_stops_make_up_before_the_build(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(stack, "remove_aws_settings", lambda: None)  # other tests need the AWS settings
    monkeypatch.setenv("CORS", text)
    monkeypatch.setattr(stack, "up", lambda *_: pytest.fail("the stack starts"))
    with pytest.raises(SystemExit, match="CORS must be") as caught:
        stack.main(["up"])
    assert isinstance(caught.value.code, str)  # Python prints the text, and exits with 1


def test_without_cors_make_up_keeps_the_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(stack, "remove_aws_settings", lambda: None)
    monkeypatch.setenv("CORS", "")
    monkeypatch.setattr(stack, "up", lambda *arguments: calls.append(arguments))
    stack.main(["up", ""])
    assert calls == [(None, None)]
