"""Examples of the reference, sent unchanged over HTTP, and answers with the status 304 or a status from 400 to 422."""

import json
from typing import Any

import httpx
import pytest

from local.stack import DEMO_TIMELINE
from tests.e2e.conftest import TIMEOUT_SECONDS, People, Person

RECURRING = """{
  "type": "RECURRING",
  "timelineId": "a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8",
  "name": "Weekly Yoga Class",
  "startDateTime": "2023-12-01T09:00:00Z",
  "endDateTime": "2023-12-01T10:00:00Z",
  "repeatCycleType": "WEEKLY",
  "recurringDayOfWeek": "FRIDAY",
  "description": "Weekly yoga session for intermediate level"
}"""
UPDATE = """{
  "startDateTime": "2023-12-08T10:30:00Z",
  "endDateTime": "2023-12-08T11:30:00Z",
  "description": "Updated time for yoga session"
}"""
ONE_TIME = """{
    "type": "ONE_TIME",
    "timelineId": "a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8",
    "name": "Special Workshop",
    "startDateTime": "2023-12-15T14:00:00Z",
    "endDateTime": "2023-12-15T16:00:00Z",
    "description": "Special workshop event"
  }"""
LIST = "/sessions?timelineId=a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8&startDateTimeSortOrder=ASC&skip=0&take=10"
REFERENCE_FIELDS = [
    *("id", "type", "timelineId", "name", "startDateTime", "endDateTime", "repeatCycleType"),
    *("recurringDayOfWeek", "description", "createdAt", "updatedAt", "removedAt"),
]
REASONS = {  # RFC 9110, section 15
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    412: "Precondition Failed",
    422: "Unprocessable Content",
}
JSON = {"Content-Type": "application/json"}


def test_the_examples_of_the_reference_work_unchanged(demo: Person) -> None:
    created = demo.call("POST", "/sessions", content=RECURRING, headers=JSON)
    assert created.status_code == 200
    session = created.json()["data"]
    assert [name for name in session if name in REFERENCE_FIELDS] == REFERENCE_FIELDS
    made_by_us = {name: session[name] for name in ("id", "createdAt", "updatedAt")}
    newer = dict.fromkeys(session.keys() - set(REFERENCE_FIELDS))
    assert session == json.loads(RECURRING) | made_by_us | {"removedAt": None} | newer
    assert created.json()["meta"] == {"message": "success", "meta": {"skip": 0, "take": 1, "count": 1}}
    assert created.headers["Location"] == f"/sessions/{session['id']}"

    workshop = demo.call("POST", "/sessions", content=ONE_TIME, headers=JSON).json()["data"]
    assert workshop["repeatCycleType"] is workshop["recurringDayOfWeek"] is None

    updated = demo.call("PATCH", f"/sessions/{session['id']}", content=UPDATE, headers=JSON)
    assert updated.status_code == 200
    changed = updated.json()["data"]
    assert changed == session | json.loads(UPDATE) | {"updatedAt": changed["updatedAt"]}

    listed = demo.call("GET", LIST, headers=JSON)
    assert listed.json() == {
        "data": [changed, workshop],
        "meta": {"message": "success", "meta": {"skip": 0, "take": 10, "count": 2}},
    }
    assert demo.call("GET", f"/sessions/{session['id']}").json()["data"] == changed

    removed = demo.call("DELETE", f"/sessions/{session['id']}").json()["data"]
    assert removed["removedAt"].endswith("Z")
    assert removed == changed | dict.fromkeys(("updatedAt", "removedAt"), removed["removedAt"])
    assert demo.call("GET", f"/sessions/{session['id']}").status_code == 404


def check_failure(answer: httpx.Response) -> dict[str, Any]:
    """Check the fields and the headers of an error; return the body."""
    body: dict[str, Any] = answer.json()
    assert list(body) == ["statusCode", "error", "code", "message", "details", "requestId"]
    assert (body["statusCode"], body["error"]) == (answer.status_code, REASONS[answer.status_code])
    assert body["requestId"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return body


def test_400_names_every_fault(demo: Person) -> None:
    answer = demo.call("POST", "/sessions", json={"type": "SOMETIMES", "colour": "red"})
    body = check_failure(answer)
    assert (answer.status_code, body["code"]) == (400, "VALIDATION_FAILED")
    assert [detail["field"] for detail in body["details"]] == ["type", "timelineId", "name", "colour"]


def test_400_for_an_unknown_timeline(demo: Person) -> None:
    answer = demo.call("POST", "/sessions", json=json.loads(ONE_TIME) | {"timelineId": "unknown"})
    assert (answer.status_code, check_failure(answer)["code"]) == (400, "INVALID_TIMELINE")


def test_401_without_a_token(people: People) -> None:
    answer = httpx.get(f"{people.stack.url}/sessions", timeout=TIMEOUT_SECONDS, trust_env=False)
    assert (answer.status_code, list(answer.json())) == (401, ["message"])


def test_403_for_another_owners_session(people: People, demo: Person) -> None:
    answer = people.add("stranger", "USER").call("POST", "/sessions", content=ONE_TIME, headers=JSON)
    assert (answer.status_code, check_failure(answer)["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/sessions/", "/timelines/"])
@pytest.mark.parametrize(
    "id",
    ["unknown", "3f0c8a52-7d0e-4f6b-9a51-6f2f5d1f9c77", "COUNTS%230", "x" * 65, "%00", "a%20b", "%C3%A4"],
)
def test_404_for_an_unknown_or_malformed_id(demo: Person, method: str, path: str, id: str) -> None:
    answer = demo.call(method, path + id, **({"json": {}} if method == "PATCH" else {}))
    assert (answer.status_code, check_failure(answer)["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/session"),
        ("PUT", "/sessions"),
        ("DELETE", "/sessions"),
        ("POST", "/sessions/x"),
    ],
)
def test_404_for_an_unknown_route(demo: Person, method: str, path: str) -> None:
    """The gateway itself answers. An HTTP API never answers with a 405 (Method Not Allowed)."""
    answer = demo.call(method, path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_409_names_the_conflicting_sessions_and_writes_nothing(demo: Person) -> None:
    first = demo.call("POST", "/sessions", content=ONE_TIME, headers=JSON).json()["data"]
    answer = demo.call("POST", "/sessions", content=ONE_TIME, headers=JSON)
    body = check_failure(answer)
    assert (answer.status_code, body["code"]) == (409, "SCHEDULING_CONFLICT")
    assert body["details"] == [
        {
            "sessionId": first["id"],
            "timelineId": first["timelineId"],
            "type": "ONE_TIME",
            "name": "Special Workshop",
            "startDateTime": "2023-12-15T14:00:00Z",
            "endDateTime": "2023-12-15T16:00:00Z",
        }
    ]
    assert demo.call("GET", LIST).json()["data"] == [first]


def test_409_for_the_deletion_of_a_timeline_with_sessions(demo: Person) -> None:
    demo.call("POST", "/sessions", content=ONE_TIME, headers=JSON)
    answer = demo.call("DELETE", f"/timelines/{DEMO_TIMELINE}")
    assert (answer.status_code, check_failure(answer)["code"]) == (409, "TIMELINE_NOT_EMPTY")


def test_412_for_an_outdated_etag_and_304_for_the_current_etag(demo: Person) -> None:
    created = demo.call("POST", "/sessions", content=ONE_TIME, headers=JSON)
    path, tag = created.headers["Location"], created.headers["ETag"]
    known = demo.call("GET", path, headers={"If-None-Match": tag})
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)
    assert demo.call("PATCH", path, json={"name": "New"}, headers={"If-Match": tag}).status_code == 200
    assert demo.call("GET", path, headers={"If-None-Match": tag}).status_code == 200
    for method in ("PATCH", "DELETE"):
        body = {"json": {"name": "Newer"}} if method == "PATCH" else {}
        answer = demo.call(method, path, headers={"If-Match": tag}, **body)
        assert (answer.status_code, check_failure(answer)["code"]) == (412, "PRECONDITION_FAILED")


def test_422_for_a_used_idempotency_key_with_another_body(demo: Person) -> None:
    headers = JSON | {"Idempotency-Key": "c0ffee"}
    first = demo.call("POST", "/sessions", content=ONE_TIME, headers=headers)
    again = demo.call("POST", "/sessions", content=ONE_TIME, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other = demo.call("POST", "/sessions", content=RECURRING, headers=headers)
    assert (other.status_code, check_failure(other)["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
