"""Smoke test of a deployed stack: a few requests that need the gateway, the functions, their roles and the tables.

    python -m tools.smoke_test STACK [URL]

Credentials and region come from the usual AWS settings. If the stack has a user pool, the test creates a user, and
deletes the user at the end. Otherwise, the environment variable TOKEN must contain an access token. The test deletes
every session and timeline that it creates.
"""

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3

SECONDS = 30


class SmokeTestFailed(Exception):
    """A response whose status differs from the expected status, or a missing token."""


class Api:
    """Client of the deployed API, with one token."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    def expect(
        self, status: int, method: str, path: str, body: Any = None, *, token: str | None = None
    ) -> Any:
        """Send a request, and return the `data` of the response.

        Raises:
            SmokeTestFailed: the response has another status.
        """
        token = self._token if token is None else token
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        content = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, content, headers, method=method)
        try:
            with urlopen(request, timeout=SECONDS) as response:
                got, text = response.status, response.read()
        except HTTPError as error:
            got, text = error.code, error.read()
        print(f"{method} {path}: {got}")
        if got != status:
            raise SmokeTestFailed(
                f"{method} {path} returned {got} instead of {status}: {text.decode()[:500]}"
            )
        answer: Any = json.loads(text)
        return answer.get("data") if isinstance(answer, dict) else answer


def run(api: Api) -> None:
    """Create a timeline and a session, provoke a conflict, and delete the session and the timeline.

    Raises:
        SmokeTestFailed: the status of a response differs from the expected status.
    """
    api.expect(401, "GET", "/timelines", token="")
    api.expect(401, "GET", "/timelines", token="not.a.token")
    timeline = api.expect(200, "POST", "/timelines", {"name": "Smoke test"})
    times = {"startDateTime": "2023-12-01T09:00:00Z", "endDateTime": "2023-12-01T10:00:00Z"}
    new = {"type": "ONE_TIME", "timelineId": timeline["id"], "name": "Smoke test", **times}
    try:
        session = api.expect(200, "POST", "/sessions", new)
        try:
            api.expect(409, "POST", "/sessions", new)
            api.expect(200, "GET", f"/sessions/{session['id']}")
            api.expect(200, "GET", f"/sessions?timelineId={timeline['id']}")
            api.expect(200, "PATCH", f"/sessions/{session['id']}", {"name": "Smoke test, changed"})
        finally:
            api.expect(200, "DELETE", f"/sessions/{session['id']}")
        api.expect(404, "GET", f"/sessions/{session['id']}")
    finally:
        api.expect(200, "DELETE", f"/timelines/{timeline['id']}")


@contextmanager
def temporary_token(outputs: dict[str, str]) -> Iterator[str]:
    """Yield a token of a new user. Delete the user when the context ends."""
    pool, name, password = (
        outputs["UserPoolId"],
        f"smoke-{secrets.token_hex(8)}@example.com",
        secrets.token_urlsafe(24),
    )
    cognito: Any = boto3.client("cognito-idp")
    cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    try:
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=name, Password=f"Aa1{password}", Permanent=True
        )
        answer = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=outputs["UserPoolClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": f"Aa1{password}"},
        )
        yield answer["AuthenticationResult"]["AccessToken"]
    finally:
        cognito.admin_delete_user(UserPoolId=pool, Username=name)


def read_token() -> str:
    """Return the access token in the environment variable TOKEN.

    Raises:
        SmokeTestFailed: TOKEN is missing or empty.
    """
    if token := os.environ.get("TOKEN"):
        return token
    raise SmokeTestFailed(
        "The stack has no user pool, so set the environment variable TOKEN to an access token of the issuer."
    )


def read_outputs(stack: str) -> dict[str, str]:
    """Return the outputs of a stack."""
    cloudformation: Any = boto3.client("cloudformation")
    (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def main(arguments: list[str]) -> None:
    if len(arguments) not in (1, 2):
        sys.exit(__doc__)
    outputs = read_outputs(arguments[0])
    url = arguments[1] if len(arguments) == 2 else outputs["ApiUrl"]
    try:
        if "UserPoolId" in outputs:
            with temporary_token(outputs) as token:
                run(Api(url, token))
        else:
            run(Api(url, read_token()))
    except SmokeTestFailed as failed:
        sys.exit(str(failed))
    print("The stack works.")


if __name__ == "__main__":
    main(sys.argv[1:])
