"""Fixtures: a local stack like the stack of `make up`, and users with Cognito tokens."""

from collections.abc import Iterator
from socket import create_server, socket
from typing import Any, NamedTuple

import httpx
import pytest

from local.stack import DEMO_TIMELINE, HOST, Stack, free_port

TIMEOUT_SECONDS = 120
"""The longest wait for a response of a stack, which is slow on a busy machine."""


class Origin(NamedTuple):
    """An origin of web pages. A script serves the pages on the socket."""

    listener: socket

    @property
    def url(self) -> str:
        return f"http://localhost:{self.listener.getsockname()[1]}"


class Origins(NamedTuple):
    """An origin that the CORS rules of the stack allow, and an origin that the rules refuse."""

    app: Origin
    strange: Origin


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
def origins() -> Iterator[Origins]:
    """Open the sockets of both origins before the stack is deployed, so that no other program takes the ports."""
    with create_server((HOST, 0)) as app, create_server((HOST, 0)) as strange:
        yield Origins(Origin(app), Origin(strange))


@pytest.fixture(scope="session")
def shared_stack(origins: Origins) -> Iterator[Stack]:
    """Deploy a separate stack that all modules of this folder share."""
    with Stack("e2e", free_port(), {"CorsAllowedOrigins": origins.app.url}) as running:
        yield running


@pytest.fixture(scope="module")
def people(shared_stack: Stack) -> Iterator[People]:
    """Yield the demo users of the shared stack. Each module gets new tokens, because tokens expire after an hour."""
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
