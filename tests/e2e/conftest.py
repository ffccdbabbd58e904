"""Fixtures for the local stack, deployed as by `make up`, and its users with Cognito tokens."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from local.stack import DEMO_TIMELINE, Stack, free_port

_APP_PORT = free_port()
APP_ORIGIN, STRANGE_ORIGIN = (f"http://localhost:{port}" for port in (_APP_PORT, _APP_PORT + 1))
"""An origin that the stack's CORS rules allow, and an origin that they refuse."""


class Person(NamedTuple):
    """A user with a token."""

    id: str
    """The `sub` of the user's tokens."""
    http: httpx.Client
    token: str

    def call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **rest: Any
    ) -> httpx.Response:
        """Send a request; see httpx for `json`, `params` and `content`."""
        authorized = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.http.request(method, path, headers=authorized, **rest)

    def made(self, path: str, **body: Any) -> dict[str, Any]:
        """Create an entity from a body; return the entity."""
        answer = self.call("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def timeline(self, **body: Any) -> str:
        """Create a timeline of this person; return the id."""
        id: str = self.made("/timelines", name="Routine", **body)["id"]
        return id


class People(NamedTuple):
    """The users who call the API."""

    stack: Stack
    http: httpx.Client
    demo: Person
    """The owner of the demo timeline."""
    manager: Person
    admin: Person

    def new(self, name: str, *roles: str) -> Person:
        """Create a user of that name, in those groups."""
        return Person(self.stack.add_user(name, *roles), self.http, self.stack.token_of(name))


@pytest.fixture(scope="session")
def deployed() -> Iterator[Stack]:
    """Deploy one stack with a state of its own for all tests."""
    with Stack("e2e", free_port(), {"CorsAllowedOrigins": APP_ORIGIN}) as running:
        yield running


@pytest.fixture(scope="session")
def people(deployed: Stack) -> Iterator[People]:
    """Return the demo users."""
    with httpx.Client(base_url=deployed.url, timeout=20, trust_env=False) as http:
        found = [
            Person(deployed.add_user(role.lower()), http, deployed.token(role))
            for role in ("USER", "MANAGER", "ADMIN")
        ]
        yield People(deployed, http, *found)


@pytest.fixture
def demo(people: People) -> Iterator[Person]:
    """Yield the owner of the demo timeline, and delete its sessions after the test."""
    yield people.demo
    listed = people.demo.call("GET", "/sessions", params={"timelineId": DEMO_TIMELINE, "take": 100})
    for session in listed.json()["data"]:
        assert people.demo.call("DELETE", f"/sessions/{session['id']}").status_code == 200
