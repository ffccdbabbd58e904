"""Root certificates in a directory. OpenSSL finds a certificate by the hash of its subject.

For each connection, botocore parses its bundle of 127 root certificates again. With a directory, OpenSSL reads only the
root certificate that signed the server's chain, and keeps this certificate for later connections.
`layers/scheduling/build.py` writes the directory. Without the directory, the client reads botocore's bundle. Decision
record 0022 has the measurements.
"""

from pathlib import Path
from typing import Any

import botocore

DIRECTORY = Path(botocore.__file__).with_name("roots")


def use_directory(client: Any, directory: Path = DIRECTORY) -> None:
    """Make a client verify servers with the root certificates of a directory, if the directory exists.

    botocore has no option for a directory, so this function replaces one private method of the client's HTTP session.
    A configured bundle (`AWS_CA_BUNDLE`, `REQUESTS_CA_BUNDLE`) is still used.
    """
    if not directory.is_dir():
        return
    http_session = client._endpoint.http_session
    use_bundle = http_session._setup_ssl_cert

    def set_up_roots(connections: Any, url: str, verify: bool | str | None) -> None:
        if verify is not True or not url.startswith("https:"):
            use_bundle(connections, url, verify)
            return
        connections.cert_reqs = "CERT_REQUIRED"
        connections.ca_cert_dir = str(directory)

    http_session._setup_ssl_cert = set_up_roots
