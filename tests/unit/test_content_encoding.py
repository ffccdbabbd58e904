"""Accept-Encoding header (RFC 9110, section 12.5.3)."""

import pytest

from scheduling.http.content_encoding import accepts_gzip


@pytest.mark.parametrize("header", ["gzip", "gzip, deflate, br", "br;q=1, gzip;q=0.5", "*", "GZIP ; q=1.0"])
def test_the_header_accepts_gzip(header: str) -> None:
    assert accepts_gzip(header)


@pytest.mark.parametrize(
    "header",
    ["", "br", "identity", "gzip;q=0", "gzip; q=0.000", "*;q=0", "gzip;q=0, *", "xgzip", "gzip;q="],
)
def test_the_header_does_not_accept_gzip(header: str) -> None:
    assert not accepts_gzip(header)
