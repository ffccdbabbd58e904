"""Examples of the guide, sent over HTTP in order. The test compares each answer that the guide shows."""

import json
import re
from typing import Any

import httpx

from tests.e2e.conftest import People
from tests.support.template import ROOT

BLOCK = re.compile(r"^```http\n(.*?)^```", re.M | re.S)
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class IdMap(dict[str, str]):
    """Map from the ids in the guide to the ids of this run. Other ids stay unchanged."""

    def replace_ids(self, text: str) -> str:
        return ID.sub(lambda found: self.get(found[0], found[0]), text)

    def add_id(self, shown: Any, found: Any) -> None:
        if isinstance(shown.get("data"), dict) and "id" in shown["data"]:
            self.setdefault(shown["data"]["id"], found["data"]["id"])


def split_message(message: str) -> tuple[str, dict[str, str], str]:
    """Split a message into its first line, headers and body."""
    head, _, body = message.partition("\n\n")
    first, *lines = head.strip().splitlines()
    return first, dict(line.split(": ", 1) for line in lines), body


def keep_shown_fields(found: Any, shown: Any) -> Any:
    """Return only the fields of an answer that the guide shows, with the request id of the guide."""
    match shown:
        case dict():
            kept = {name: keep_shown_fields(found[name], shown[name]) for name in shown}
            return kept | {"requestId": shown["requestId"]} if "requestId" in shown else kept
        case list():
            assert len(found) == len(shown), found
            return [keep_shown_fields(*pair) for pair in zip(found, shown, strict=True)]
    return found


def test_the_api_answers_the_examples_of_the_guide_as_documented(people: People) -> None:
    reader, ids, compared = people.add("reader", "USER"), IdMap(), 0
    messages = BLOCK.findall((ROOT / "docs" / "guide.md").read_text("utf-8"))
    for request, message in zip(messages, [*messages[1:], ""], strict=True):
        if request.startswith("HTTP/1.1 "):
            continue
        first, headers, body = split_message(request)
        method, path, _ = first.split(" ")
        json_body = {"Content-Type": "application/json"} if body else {}
        answer = reader.call(
            method, ids.replace_ids(path), json_body | headers, content=ids.replace_ids(body)
        )
        if not message.startswith("HTTP/1.1 "):
            assert answer.status_code == 200, "a request without a documented answer must succeed"
            continue
        first, headers, body = split_message(message)
        assert first == f"HTTP/1.1 {answer.status_code} {httpx.codes.get_reason_phrase(answer.status_code)}"
        shown, found = json.loads(body), answer.json()
        ids.add_id(shown, found)
        assert keep_shown_fields(found, current := json.loads(ids.replace_ids(body))) == current, message
        assert {name: answer.headers.get(name) for name in headers} == {
            name: ids.replace_ids(value) for name, value in headers.items()
        }
        compared += 1
    assert compared > 10
