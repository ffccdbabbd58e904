"""What reaches a handler without claims: the layer verifies the token itself, or answers 401."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from scheduling import token
from tests.api import Caller, handler
from tests.functional.conftest import ANNA, new_session

AUDIENCE = "sessions"


def new_key() -> rsa.RSAPrivateKey:
    """A key pair, quickly made."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """An OpenID Connect issuer on loopback, with the two documents that matter."""

    def __init__(self) -> None:
        self.keys = {"first": new_key()}
        self.reads = 0
        issuer = self

        class Documents(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = issuer.document(self.path)
                self.send_response(200 if body else 404)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self.thread.start()

    def document(self, path: str) -> Any:
        """What stands at a path."""
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        if path != "/keys":
            return None
        self.reads += 1
        return {
            "keys": [
                json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
                | {"kid": kid, "alg": "RS256"}
                for kid, key in self.keys.items()
            ]
        }

    def stop(self) -> None:
        """Answer no more."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token of Anna's, changed; None leaves one out."""
        now = datetime.now(UTC)
        claims = {
            "sub": "anna",
            "iss": self.url,
            "aud": AUDIENCE,
            "exp": now + timedelta(minutes=5),
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, kid: str = "first", algorithm: str = "RS256", key: Any = None, **changes: Any) -> str:
        """A token with those claims."""
        return jwt.encode(
            self.claims(**changes), key or self.keys[kid], algorithm=algorithm, headers={"kid": kid}
        )


@pytest.fixture(scope="module")
def running_issuer() -> Iterator[Issuer]:
    """One for all tests: keys take a while to make."""
    issuer = Issuer()
    yield issuer
    issuer.stop()


@pytest.fixture
def issuer(running_issuer: Issuer, tables: Any, environment: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """The issuer that the functions trust."""
    environment.setenv("JWT_ISSUER", running_issuer.url)
    environment.setenv("JWT_AUDIENCE", f"other,{AUDIENCE}")
    token._keys.cache_clear()
    yield running_issuer
    token._keys.cache_clear()


def listed(authorization: str | None) -> tuple[int, dict[str, str]]:
    """Status and headers of a list of timelines, asked for without a gateway."""
    headers = {} if authorization is None else {"Authorization": authorization}
    event = ANNA.event("list_timelines", "", None, {}, headers)
    del event["requestContext"]["authorizer"]
    response = handler("list_timelines")(event, None)
    return response["statusCode"], response["headers"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["x", AUDIENCE]},
        {"aud": None, "client_id": AUDIENCE},
        {"aud": "other"},
        {"nbf": datetime.now(UTC) - timedelta(1)},
    ],
    ids=str,
)
def test_a_good_token_is_let_in(issuer: Issuer, changes: dict[str, Any]) -> None:
    assert listed(f"Bearer {issuer.token(**changes)}")[0] == 200
    assert listed(f"bearer  {issuer.token(**changes)}")[0] == 200


def test_who_calls_is_who_the_token_says(issuer: Issuer) -> None:
    Caller("anna").call("create_timeline", body={"name": "Mine"})
    event = ANNA.event("list_timelines", "", None, {}, {"authorization": f"Bearer {issuer.token()}"})
    del event["requestContext"]["authorizer"]
    assert json.loads(handler("list_timelines")(event, None)["body"])["data"][0]["ownerId"] == "anna"


YESTERDAY, TOMORROW = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
ATTACKS: dict[str, Callable[[Issuer], str]] = {
    "expired": lambda issuer: issuer.token(exp=YESTERDAY),
    "without an expiry": lambda issuer: issuer.token(exp=None),
    "not yet valid": lambda issuer: issuer.token(nbf=TOMORROW),
    "of another issuer": lambda issuer: issuer.token(iss="https://evil.test"),
    "without an issuer": lambda issuer: issuer.token(iss=None),
    "for another audience": lambda issuer: issuer.token(aud="another"),
    "for no audience": lambda issuer: issuer.token(aud=None),
    "for an empty audience": lambda issuer: issuer.token(aud=[]),
    "of nobody": lambda issuer: issuer.token(sub=None),
    "of an empty subject": lambda issuer: issuer.token(sub=""),
    "of an unknown key": lambda issuer: issuer.token("unknown", key=new_key()),
    "without a key id": lambda issuer: jwt.encode(issuer.claims(), issuer.keys["first"], algorithm="RS256"),
    "of another key under a known id": lambda issuer: issuer.token(key=new_key()),
    "unsigned": lambda issuer: jwt.encode(issuer.claims(), None, algorithm="none", headers={"kid": "first"}),
    "signed with the public key as a secret": lambda issuer: hs256_with_the_public_key(issuer),
    "of a stronger algorithm": lambda issuer: issuer.token(algorithm="RS512"),
    "of another algorithm": lambda issuer: issuer.token(
        algorithm="ES256", key=ec.generate_private_key(ec.SECP256R1())
    ),
    "tampered with": lambda issuer: tampered(issuer.token()),
    "with a cut signature": lambda issuer: issuer.token()[:-8],
    "no token": lambda issuer: "x.y.z",
    "one word": lambda issuer: "token",
}


def hs256_with_the_public_key(issuer: Issuer) -> str:
    """The classic confusion of algorithms: the public key, which all know, as the secret."""
    public = (
        issuer.keys["first"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    claims = issuer.claims()
    claims["exp"] = int(claims["exp"].timestamp())
    parts = [{"alg": "HS256", "typ": "JWT", "kid": "first"}, claims]
    signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(hmac.new(public, signed, hashlib.sha256).digest()).rstrip(b"=")
    return (signed + b"." + signature).decode()


def tampered(good: str) -> str:
    """A token whose payload says another subject than the one that was signed."""
    header, payload, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "root"}).encode()).rstrip(b"=").decode()
    return f"{header}.{forged}.{signature}"


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_bad_token_is_a_401(issuer: Issuer, attack: str) -> None:
    status, headers = listed(f"Bearer {ATTACKS[attack](issuer)}")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="sessions", error="invalid_token"')


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Digest x"])
def test_no_token_is_a_401_without_an_error_code(issuer: Issuer, authorization: str | None) -> None:
    """RFC 6750, section 3.1: a request without authentication gets no error code."""
    status, headers = listed(authorization)
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="sessions"')


def test_keys_are_kept_and_read_again_when_a_new_one_appears(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = issuer.reads
    for _ in range(5):
        assert listed(f"Bearer {issuer.token()}")[0] == 200
    assert issuer.reads == before + 1
    issuer.keys["second"] = new_key()
    half_a_minute_later = SimpleNamespace(monotonic=lambda: time.monotonic() + 31)
    monkeypatch.setattr("jwt.jwks_client.time", half_a_minute_later)
    assert listed(f"Bearer {issuer.token('second')}")[0] == 200
    assert issuer.reads == before + 2


def test_made_up_key_ids_do_not_make_us_ask_the_key_server_each_time(issuer: Issuer) -> None:
    before = issuer.reads
    for number in range(5):
        assert listed(f"Bearer {issuer.token(str(number), key=issuer.keys['first'])}")[0] == 401
    assert issuer.reads == before + 1


def test_a_key_server_that_does_not_answer_is_a_503_and_no_way_in(
    tables: Any, environment: pytest.MonkeyPatch
) -> None:
    issuer = Issuer()
    good = issuer.token()
    environment.setenv("JWT_ISSUER", issuer.url)
    token._keys.cache_clear()
    issuer.stop()
    status, headers = listed(f"Bearer {good}")
    assert (status, headers["Retry-After"]) == (503, "1")
    token._keys.cache_clear()


def test_keys_that_cannot_be_read_are_a_503(tables: Any, environment: pytest.MonkeyPatch) -> None:
    issuer = Issuer()
    environment.setenv("JWT_ISSUER", issuer.url)
    token._keys.cache_clear()
    token._keys(issuer.url)  # the configuration is known; then the server goes
    good = issuer.token()
    issuer.stop()
    assert listed(f"Bearer {good}")[0] == 503
    token._keys.cache_clear()


@pytest.mark.parametrize("roles", ["[ADMIN]", "[STAFF ADMIN USER]", "ADMIN", "STAFF,ADMIN", "USER, ADMIN"])
def test_roles_are_read_in_every_spelling(timeline: str, roles: str) -> None:
    session = new_session(ANNA, timeline)
    assert Caller("root", roles).call("delete_session", id=session["id"]).status == 200


@pytest.mark.parametrize("roles", [["STAFF", "ADMIN"], []])
def test_roles_may_be_a_list(issuer: Issuer, roles: list[str]) -> None:
    timeline = ANNA.call("create_timeline", body={"name": "x"}).data["id"]
    good = issuer.token(sub="root", **{"cognito:groups": roles})
    event = ANNA.event("get_timeline", timeline, None, {}, {"authorization": f"Bearer {good}"})
    del event["requestContext"]["authorizer"]
    assert handler("get_timeline")(event, None)["statusCode"] == (200 if roles else 403)


@pytest.mark.parametrize("roles", ["", "[]", "[administrator]", "ADMINS", "[admin]"])
def test_what_is_no_role_grants_nothing(timeline: str, roles: str) -> None:
    assert Caller("eve", roles).call("get_timeline", id=timeline).status == 403
