"""OpenID Connect issuer on this machine, with invalid tokens and invalid responses for tests."""

import base64
import hashlib
import hmac
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "sessions"


Reply = Callable[[BaseHTTPRequestHandler], None]

CONFIGURATION_PATH = "/.well-known/openid-configuration"
KEYS_PATH = "/keys"


def new_key() -> rsa.RSAPrivateKey:
    """Generate a key pair."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """An OpenID Connect issuer on this machine, with a configuration document and a key set."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.keys = {"first": new_key()}
        self.reads = 0
        self.keys_path = "/keys"
        self.configuration: dict[str, Any] = {}
        """Changed members of the configuration document."""
        self.key_members: dict[str, Any] = {}
        """Changed members of the published keys, by key id."""
        self.replies: dict[str, Reply] = {}
        """Replies by path, which the issuer sends instead of its documents."""
        issuer = self

        class Documents(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path in issuer.replies:
                    return issuer.replies[self.path](self)
                body = issuer.document(self.path)
                self.send_response(200 if body else 404)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer((address, 0), Documents)
        self.url = f"http://{address}:{self.server.server_port}"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self.thread.start()

    def document(self, path: str) -> Any:
        """Return the document at a path; None for an unknown path."""
        if path == CONFIGURATION_PATH:
            right = {"issuer": self.url, "jwks_uri": f"{self.url}{self.keys_path}"}
            return right | self.configuration
        if path != self.keys_path:
            return None
        self.reads += 1
        return {
            "keys": [
                json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
                | {"kid": kid, "alg": "RS256", **self.key_members.get(kid, {})}
                for kid, key in self.keys.items()
            ]
        }

    def stop(self) -> None:
        """Stop the issuer."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a valid token for Anna, with changes. The value None removes a claim."""
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
        """Return a signed token for Anna, with changes of its claims."""
        return jwt.encode(
            self.claims(**changes), key or self.keys[kid], algorithm=algorithm, headers={"kid": kid}
        )


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
    "without a subject": lambda issuer: issuer.token(sub=None),
    "of an empty subject": lambda issuer: issuer.token(sub=""),
    "of an unknown key": lambda issuer: issuer.token("unknown", key=new_key()),
    "without a key id": lambda issuer: jwt.encode(issuer.claims(), issuer.keys["first"], algorithm="RS256"),
    "signed with another key under a known key id": lambda issuer: issuer.token(key=new_key()),
    "unsigned": lambda issuer: jwt.encode(issuer.claims(), None, algorithm="none", headers={"kid": "first"}),  # type: ignore[arg-type]
    "signed with the public key as a secret": lambda issuer: sign_with_the_public_key(issuer),
    "signed with RS512": lambda issuer: issuer.token(algorithm="RS512"),
    "of another algorithm": lambda issuer: issuer.token(
        algorithm="ES256", key=ec.generate_private_key(ec.SECP256R1())
    ),
    "tampered with": lambda issuer: replace_subject(issuer.token()),
    "with a cut signature": lambda issuer: issuer.token()[:-8],
    "of three parts that are not JSON": lambda issuer: "x.y.z",
    "of one part": lambda issuer: "token",
}


def sign_with_the_public_key(issuer: Issuer) -> str:
    """Forge a token by algorithm confusion: HS256 with the public key as the secret."""
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


def replace_subject(good: str) -> str:
    """Forge a token: replace the subject, but keep the signature."""
    header, payload, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "root"}).encode()).rstrip(b"=").decode()
    return f"{header}.{forged}.{signature}"


def send_body(body: bytes) -> Reply:
    """Return a reply that sends `body`."""

    def reply(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(body)

    return reply


def reset_connection(request: BaseHTTPRequestHandler) -> None:
    """Reset the connection."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def send_slowly(body: bytes, seconds: float) -> Reply:
    """Return a reply that sends the body in at most ten parts, with a pause before each part."""

    def reply(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        size = len(body) // 10 + 1
        try:
            for start in range(0, len(body), size):
                time.sleep(seconds / 10)
                request.wfile.write(body[start : start + size])
                request.wfile.flush()
        except OSError:
            pass  # The client has closed the connection.

    return reply


BROKEN_REPLIES: dict[str, Reply] = {
    "not JSON": send_body(b"<html>Not here</html>"),
    "empty": send_body(b""),
    "an array": send_body(b"[]"),
    "deeply nested": send_body(b"[" * 200_000),
    "too large": send_body(b'{"padding": "' + b"x" * 300_000 + b'"}'),
    "not UTF-8": send_body(b"\xff\xfe\x00"),
    "reset": reset_connection,
}
"""Replies that are not a valid document of an issuer."""

BROKEN_CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "of another issuer": {"issuer": "https://evil.test"},
    "without an issuer": {"issuer": None},
    "without a jwks_uri": {"jwks_uri": None},
    "with a jwks_uri that is no URL": {"jwks_uri": "no url"},
    "with a jwks_uri of another type": {"jwks_uri": 7},
    "with a file as jwks_uri": {"jwks_uri": "file:///etc/hostname"},
    "with a jwks_uri without a host": {"jwks_uri": "http://"},
    "with a jwks_uri with a broken port": {"jwks_uri": "http://127.0.0.1:x/keys"},
}

BROKEN_KEYS: dict[str, dict[str, Any]] = {
    "for encryption": {"use": "enc"},
    "with operations that exclude verifying": {"key_ops": ["encrypt"]},
    "with operations of another type": {"key_ops": "verify"},
    "of another algorithm": {"alg": "RS512"},
    "without a modulus": {"n": None},
    "with a broken modulus": {"n": "%"},
    "with another key type": {"kty": "EC"},
}
"""Values of members that make a published key unusable for verification."""
