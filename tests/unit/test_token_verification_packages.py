"""PyJWT and cryptography, the packages that verify tokens.

If the gateway has verified the token, functions do not import these packages. The layer does not contain cffi and
pycparser, because only builds of cryptography need them. One test verifies a token without cffi and pycparser.
"""

import os
import runpy
import subprocess
import sys

import pytest

from tests.support.template import ROOT

BUILD_ONLY = runpy.run_path(str(ROOT / "layers" / "scheduling" / "build.py"))["BUILD_ONLY"]

ANSWER_WITH_CLAIMS = """
import sys
# botocore imports OpenSSL if OpenSSL is installed, and OpenSSL imports cryptography. The SAM CLI installs OpenSSL here,
# but the layer has no OpenSSL. So block the import.
sys.modules["OpenSSL"] = None
from functions.{function}.handler import lambda_handler
lambda_handler({{"requestContext": {{"authorizer": {{"jwt": {{"claims": {{"sub": "anna"}}}}}}}}}}, None)
print({{name.partition(".")[0] for name in sys.modules}} & {{"jwt", "cryptography"}})
"""
VERIFY = """
import json, sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))  # an import of these names now fails
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
private = rsa.generate_private_key(65537, 2048)
public = jwt.PyJWK(json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key())), "RS256")
print(jwt.decode(jwt.encode({"sub": "anna"}, private, "RS256"), public, algorithms=["RS256"]))
"""


def run(code: str, *arguments: str) -> str:
    """Run code in a new interpreter. Return the last printed line."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{ROOT}/layers/scheduling",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "ROLES_CLAIM": "cognito:groups",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("function", ["get_session", "create_session", "list_timelines"])
def test_functions_do_not_import_cryptography_if_the_gateway_has_verified_the_token(function: str) -> None:
    assert run(ANSWER_WITH_CLAIMS.format(function=function)) == "set()"


def test_tokens_can_be_verified_without_cffi_and_pycparser() -> None:
    assert run(VERIFY, *BUILD_ONLY) == "{'sub': 'anna'}"
