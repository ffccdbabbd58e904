"""Smoke test of a deployed stack: the token for a stack with an external issuer."""

import pytest

from tools import smoke_test


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_user_pool_the_smoke_test_needs_a_token(
    monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    if token is not None:  # the workflow sets an empty TOKEN if the secret does not exist
        monkeypatch.setenv("TOKEN", token)
    monkeypatch.setattr(smoke_test, "read_outputs", lambda stack: {"ApiUrl": "https://api.test"})
    with pytest.raises(SystemExit, match="set the environment variable TOKEN"):
        smoke_test.main(["sessions-dev"])
