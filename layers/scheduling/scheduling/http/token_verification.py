"""Verification of bearer tokens that no gateway has verified: with `sam local start-api`, or after a direct invocation.

Like the JWT authorizer of the HTTP API, this module checks the signature by a key of the issuer, the issuer (`iss`),
the times (such as `exp`), and the audience. The signature must be RS256. The claims `exp`, `iss` and `sub` are
required. The audience is `aud`, or `client_id` in access tokens of Cognito, which have no `aud`.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from threading import Thread
from typing import Any
from urllib.request import urlopen

import jwt

from scheduling.errors import ServiceUnavailable, Unauthorized
from scheduling.settings import setting

_SOCKET_TIMEOUT_SECONDS = 2
_FETCH_SECONDS = 3
"""The longest time to fetch one document. A request fetches at most two documents, so an issuer can delay a response by
up to 6 s."""
_MAX_DOCUMENT_BYTES = 256 * 1024
_KEYS_LIVE_SECONDS = 3600
_COOLDOWN_SECONDS = 10
"""The shortest time between two fetches of the keys. So tokens with unknown key ids do not overload the issuer."""


def verify(token: str) -> Mapping[str, Any]:
    """Return the claims of a valid token.

    Raises:
        Unauthorized: the token is not valid.
        ServiceUnavailable: the issuer's keys cannot be fetched.
    """
    issuer = setting("JWT_ISSUER")
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != "RS256":
            raise Unauthorized("invalid_token")
        key = issuer_keys(issuer).find(header.get("kid", ""))
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=issuer,
            options={"require": ["exp", "iss", "sub"], "verify_aud": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Unauthorized("invalid_token") from error
    audience = claims["aud"] if "aud" in claims else claims.get("client_id")
    audiences = audience if isinstance(audience, list) else [audience]
    if not any(accepted in audiences for accepted in setting("JWT_AUDIENCE").split(",")):
        raise Unauthorized("invalid_token")
    return claims


class IssuerKeys:
    """Signing keys of an issuer, fetched again when the keys are over an hour old or a token names an unknown key.

    Two fetches are always more than ten seconds apart.
    """

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")

    def find(self, key_id: str) -> jwt.PyJWK:
        """Return the key with an id.

        Raises:
            Unauthorized: the keys from the last fetch do not include this key.
            ServiceUnavailable: the issuer's keys cannot be fetched, or could not be fetched a moment ago.
        """
        now = self._clock()
        if key_id not in self._keys or now - self._fetched_at > _KEYS_LIVE_SECONDS:
            if now - self._tried_at > _COOLDOWN_SECONDS:
                self._tried_at = now
                self._keys = self._fetch()
                self._fetched_at = now
            elif self._fetched_at < self._tried_at:
                raise ServiceUnavailable("the issuer did not respond a moment ago")
        if key_id not in self._keys:
            raise Unauthorized("invalid_token")
        return self._keys[key_id]

    def _fetch(self) -> Mapping[str, jwt.PyJWK]:
        # OpenID Connect Discovery 1.0, section 4. Fetch the configuration each time, because `jwks_uri` may change.
        configuration = _fetch_json(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if configuration.get("issuer") != self.issuer:
            raise ServiceUnavailable("the issuer's configuration names another issuer")
        address = configuration.get("jwks_uri")
        is_secure = isinstance(address, str) and address.startswith("https://")
        is_plain = isinstance(address, str) and address.startswith("http://")
        if not is_secure and not (is_plain and self.issuer.startswith("http://")):
            raise ServiceUnavailable("the issuer's jwks_uri is not an allowed URL")
        keys = _fetch_json(str(address)).get("keys")
        usable = dict(filter(None, map(_read_key, keys if isinstance(keys, list) else [])))
        if not usable:
            raise ServiceUnavailable("the issuer's key set has no usable key")
        return usable


@lru_cache
def issuer_keys(issuer: str) -> IssuerKeys:
    """Return the keys of an issuer, shared by all requests of this instance of the function."""
    return IssuerKeys(issuer)


def _read_key(entry: object) -> tuple[str, jwt.PyJWK] | None:
    """Return the id and the key of an entry in a key set, or None when the key may not verify RS256 signatures."""
    if not isinstance(entry, dict):
        return None
    operations = entry.get("key_ops", ["verify"])
    is_for_signatures = entry.get("use", "sig") == "sig" and entry.get("alg", "RS256") == "RS256"
    if not is_for_signatures or entry.get("kty") != "RSA" or not isinstance(entry.get("kid"), str):
        return None
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        return entry["kid"], jwt.PyJWK(entry, "RS256")
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None


def _fetch_json(address: str) -> Mapping[str, Any]:
    """Return the JSON object at an address.

    A thread reads the document, so that the function can stop waiting after `_FETCH_SECONDS`. The timeout of the socket
    limits only the wait for the next bytes. A slow server could therefore extend the whole download to hours.

    Raises:
        ServiceUnavailable: no JSON object of at most 256 KB arrived in time.
    """
    received: list[object] = []

    def fetch() -> None:
        # An exception in a thread does not reach the caller, so `received` passes the exception on.
        try:
            with urlopen(address, timeout=_SOCKET_TIMEOUT_SECONDS) as response:
                body = response.read(_MAX_DOCUMENT_BYTES + 1)
            if len(body) <= _MAX_DOCUMENT_BYTES:
                received.append(json.loads(body))
        except Exception as error:
            received.append(error)

    thread = Thread(target=fetch, daemon=True)
    thread.start()
    thread.join(_FETCH_SECONDS)
    document = received[0] if received else None
    if isinstance(document, dict):
        return document
    raise ServiceUnavailable(address) from (document if isinstance(document, Exception) else None)
