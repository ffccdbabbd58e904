"""Fixtures: a local stack like the stack of `make up`, and users with Cognito tokens."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from local.stack import DEMO_TIMELINE, Stack, free_port

_APP_PORT = free_port()
APP_ORIGIN, STRANGE_ORIGIN = (f"http://localhost:{port}" for port in (_APP_PORT, _APP_PORT + 1))
"""An origin that the stack's CORS rules allow, and an origin that the rules refuse."""
TIMEOUT_SECONDS = 120
"""The longest wait for a response of a stack, which is slow on a busy machine."""


class Person(NamedTuple):
    """A user with a token."""

    id: str
    """The `sub` of the user's tokens."""
    http: httpx.Client
    token: str

    def call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **rest: Any
    ) -> httpx.Response:
        """Send a request with the token. `rest` has arguments for httpx, such as `json`, `params` and `content`."""
        authorized = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.http.request(method, path, headers=authorized, **rest)

    def create(self, path: str, **body: Any) -> dict[str, Any]:
        """Create an entity with a POST; return the entity."""
        answer = self.call("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def create_timeline(self, **body: Any) -> str:
        """Create a timeline of this person; return the id."""
        id: str = self.create("/timelines", name="Routine", **body)["id"]
        return id


class People(NamedTuple):
    """The users who call the API."""

    stack: Stack
    http: httpx.Client
    demo: Person
    """The owner of the demo timeline."""
    manager: Person
    admin: Person

    def add(self, name: str, *roles: str) -> Person:
        """Create a user with a name and roles."""
        return Person(self.stack.add_user(name, *roles), self.http, self.stack.token_of(name))


@pytest.fixture(scope="session")
def shared_stack() -> Iterator[Stack]:
    """Deploy a separate stack that all modules of this folder share."""
    with Stack("e2e", free_port(), {"CorsAllowedOrigins": APP_ORIGIN}) as running:
        yield running


@pytest.fixture(scope="session")
def people(shared_stack: Stack) -> Iterator[People]:
    """Yield the demo users of the shared stack."""
    with httpx.Client(base_url=shared_stack.url, timeout=TIMEOUT_SECONDS, trust_env=False) as http:
        found = [
            Person(shared_stack.add_user(role.lower()), http, shared_stack.token(role))
            for role in ("USER", "MANAGER", "ADMIN")
        ]
        yield People(shared_stack, http, *found)


@pytest.fixture
def demo(people: People) -> Iterator[Person]:
    """Yield the owner of the demo timeline. After the test, delete the sessions of this timeline."""
    yield people.demo
    listed = people.demo.call("GET", "/sessions", params={"timelineId": DEMO_TIMELINE, "take": 100})
    for session in listed.json()["data"]:
        assert people.demo.call("DELETE", f"/sessions/{session['id']}").status_code == 200
