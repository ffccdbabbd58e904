"""Verifying a bearer token where no gateway did: `sam local start-api`, a function invoked directly.

What is asked of a token is what the HTTP API's JWT authorizer asks: RS256 by a key of the issuer, `iss`,
`aud` (or `client_id`, which is where Cognito's access tokens have it), and the times.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import jwt

from scheduling.errors import ServiceUnavailable, Unauthorized
from scheduling.settings import setting

_TIMEOUT_SECONDS = 3
_KEYS_LIVE_SECONDS = 3600
_COOLDOWN_SECONDS = 10
"""How long after a reading an unknown key causes no other: forged tokens must not make us flood the issuer."""


def verify(token: str) -> Mapping[str, Any]:
    """The claims of a token.

    Raises:
        Unauthorized: it does not hold.
        ServiceUnavailable: the issuer's keys cannot be read.
    """
    issuer = setting("JWT_ISSUER")
    try:
        if jwt.get_unverified_header(token).get("alg") != "RS256":
            raise Unauthorized("invalid_token")
        key = _keys(issuer).get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=issuer,
            options={"require": ["exp", "iss", "sub"], "verify_aud": False},
        )
    except jwt.PyJWKClientConnectionError as error:
        raise ServiceUnavailable("the issuer's keys") from error
    except jwt.PyJWTError as error:
        raise Unauthorized("invalid_token") from error
    audience = claims.get("aud") or claims.get("client_id")
    audiences = audience if isinstance(audience, list) else [audience]
    if not any(accepted in audiences for accepted in setting("JWT_AUDIENCE").split(",")):
        raise Unauthorized("invalid_token")
    return claims


@lru_cache
def _keys(issuer: str) -> jwt.PyJWKClient:
    """The issuer's keys, kept for an hour, and read again when a token names one that is not among them."""
    # OpenID Connect Discovery 1.0, section 4
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        with urlopen(address, timeout=_TIMEOUT_SECONDS) as response:  # the issuer is set by the deployment
            keys_address = json.load(response)["jwks_uri"]
    except (URLError, OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceUnavailable("the issuer's configuration") from error
    return jwt.PyJWKClient(
        keys_address,
        lifespan=_KEYS_LIVE_SECONDS,
        timeout=_TIMEOUT_SECONDS,
        cooldown_duration=_COOLDOWN_SECONDS,
    )
