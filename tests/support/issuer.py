"""An OpenID Connect issuer on this machine, and what is done to tokens by those who have none."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "sessions"


def new_key() -> rsa.RSAPrivateKey:
    """A key pair, quickly made."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """An OpenID Connect issuer at an address of this machine, with the two documents that matter."""

    def __init__(self, address: str = "127.0.0.1") -> None:
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

        self.server = ThreadingHTTPServer((address, 0), Documents)
        self.url = f"http://{address}:{self.server.server_port}"
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
    "unsigned": lambda issuer: jwt.encode(issuer.claims(), None, algorithm="none", headers={"kid": "first"}),  # type: ignore[arg-type]
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
