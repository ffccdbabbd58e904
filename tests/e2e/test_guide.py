"""Examples of the guide, sent in order over HTTP, and compared with the answers."""

import json
import re
from typing import Any

import httpx

from tests.e2e.conftest import People
from tests.support.template import ROOT

BLOCK = re.compile(r"^```http\n(.*?)^```", re.M | re.S)
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Ids(dict[str, str]):
    """The ids of this run for the ids in the guide. Ids that the API did not create stay unchanged."""

    def now(self, text: str) -> str:
        return ID.sub(lambda found: self.get(found[0], found[0]), text)

    def learn(self, told: Any, found: Any) -> None:
        if isinstance(told.get("data"), dict) and "id" in told["data"]:
            self.setdefault(told["data"]["id"], found["data"]["id"])


def parts(message: str) -> tuple[str, dict[str, str], str]:
    """Split a message into its first line, headers and body."""
    head, _, body = message.partition("\n\n")
    first, *lines = head.strip().splitlines()
    return first, dict(line.split(": ", 1) for line in lines), body


def without_what_is_left_out(found: Any, told: Any) -> Any:
    """Reduce an answer to the fields that the guide shows. Lists are compared whole, request ids never."""
    match told:
        case dict():
            kept = {name: without_what_is_left_out(found[name], told[name]) for name in told}
            return kept | {"requestId": told["requestId"]} if "requestId" in told else kept
        case list():
            assert len(found) == len(told), found
            return [without_what_is_left_out(*pair) for pair in zip(found, told, strict=True)]
    return found


def test_the_guides_examples_are_answered_as_it_says(people: People) -> None:
    reader, ids, compared = people.new("reader", "USER"), Ids(), 0
    messages = BLOCK.findall((ROOT / "docs" / "guide.md").read_text("utf-8"))
    for request, message in zip(messages, [*messages[1:], ""], strict=True):
        if request.startswith("HTTP/1.1 "):
            continue
        first, headers, body = parts(request)
        method, path, _ = first.split(" ")
        json_body = {"Content-Type": "application/json"} if body else {}
        answer = reader.call(method, ids.now(path), json_body | headers, content=ids.now(body))
        if not message.startswith("HTTP/1.1 "):
            assert answer.status_code == 200, "a request without an answer in the guide succeeds"
            continue
        first, headers, body = parts(message)
        assert first == f"HTTP/1.1 {answer.status_code} {httpx.codes.get_reason_phrase(answer.status_code)}"
        told, found = json.loads(body), answer.json()
        ids.learn(told, found)
        assert without_what_is_left_out(found, now := json.loads(ids.now(body))) == now, message
        assert {name: answer.headers.get(name) for name in headers} == {
            name: ids.now(value) for name, value in headers.items()
        }
        compared += 1
    assert compared > 10
