"""Authentication: the principal of a request, from the claims of a token."""

import re
from collections.abc import Mapping
from typing import Any

from scheduling.domain.permissions import ROLES, Principal
from scheduling.errors import InvalidSubject, Unauthorized
from scheduling.http.event import HttpEvent
from scheduling.settings import setting

_SUBJECT = re.compile(r"[!-~]{1,128}")
"""The same characters as in a timeline's `ownerId` (`dto.OwnerId`), so that every caller can own a timeline."""
_MAX_TOKEN_CHARACTERS = 8192


def authenticate(event: HttpEvent) -> Principal:
    """Return the caller. Read the claims that the gateway verified. Without such claims, verify the bearer token.

    Raises:
        Unauthorized: the request has no token, or the token is not valid.
        ServiceUnavailable: the issuer's keys cannot be fetched, so the token cannot be verified.
    """
    claims = event.claims or _verify_bearer_token(event.headers)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise InvalidSubject
    return Principal(subject, _read_roles(claims.get(setting("ROLES_CLAIM"))))


def _verify_bearer_token(headers: Mapping[str, str]) -> Mapping[str, Any]:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized
    if len(token) > _MAX_TOKEN_CHARACTERS:
        raise Unauthorized("invalid_token")
    # The gateway verifies tokens itself. So behind the gateway, no request needs PyJWT, and no cold start imports
    # PyJWT.
    from scheduling.http.token_verification import verify

    return verify(token.strip())


def _read_roles(claim: object) -> frozenset[str]:
    """Return the roles in a claim; USER when the claim names no role. SECURITY.md lists the accepted formats."""
    names: list[Any] = []
    if isinstance(claim, list):
        names = claim
    elif isinstance(claim, str):
        names = _split_roles(claim)
    roles = {name for name in names if isinstance(name, str) and name in ROLES}
    return frozenset(roles or {"USER"})


def _split_roles(text: str) -> list[str]:
    """Return the role names in a text; an empty list if the text may be the name of another group, such as `NOT ADMIN`.

    HTTP APIs forward the list `["A", "B"]` as the text `[A B]`. So the text `[NOT ADMIN]` may mean one group or two
    groups. With Cognito, the text means two groups, because the names of Cognito's groups never contain a space.
    """
    is_list = text.startswith("[") and text.endswith("]")
    names = text[1:-1].split(" ") if is_list else re.split(", |,| ", text)
    if all(name in ROLES for name in names) or (is_list and _has_cognito_groups()):
        return names
    return []


def _has_cognito_groups() -> bool:
    return setting("ROLES_CLAIM") == "cognito:groups" and setting("JWT_ISSUER").startswith(
        "https://cognito-idp."
    )
