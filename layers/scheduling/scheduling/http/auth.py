"""Who is calling."""

from collections.abc import Mapping
from typing import Any

from scheduling.domain.permissions import ROLES, Principal
from scheduling.errors import Unauthorized
from scheduling.settings import setting


def principal(event: Mapping[str, Any]) -> Principal:
    """The caller of an HTTP API event: from the claims that the gateway verified, else from the bearer token.

    Raises:
        Unauthorized: no token, or one that does not hold.
        ServiceUnavailable: the issuer's keys cannot be read, so nothing can be verified.
    """
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    claims = (authorizer.get("jwt") or {}).get("claims")
    if not claims:
        claims = _verified_claims(event.get("headers") or {})
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise Unauthorized("invalid_token")
    return Principal(subject, _roles(claims.get(setting("ROLES_CLAIM"))))


def _verified_claims(headers: Mapping[str, str]) -> Mapping[str, Any]:
    authorization = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized
    from scheduling.http.token_verification import verify  # only here: behind the gateway nobody needs PyJWT

    return verify(token.strip())


def _roles(claim: object) -> frozenset[str]:
    """The roles in a claim: a list, or `[ADMIN USER]` as HTTP APIs pass a list on, or `ADMIN,USER`."""
    if isinstance(claim, str):
        claim = claim.strip("[]").replace(",", " ").split()
    named = {role for role in claim if role in ROLES} if isinstance(claim, list) else set()
    return frozenset(named or {"USER"})
