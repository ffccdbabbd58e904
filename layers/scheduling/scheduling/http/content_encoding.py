"""Compression of responses (RFC 9110, section 12.5.3)."""

MIN_CHARACTERS = 14_000
"""The first round trip carries ten TCP segments: about 14 KB. Compressing a smaller response saves no round trip."""


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip. A weight of 0 forbids gzip."""
    weights = {}
    for entry in accept_encoding.lower().split(","):
        coding, *parameters = (part.strip() for part in entry.split(";"))
        weights[coding] = next((text[2:].strip() for text in parameters if text.startswith("q=")), "1")
    weight = weights.get("gzip", weights.get("*", "0"))
    return weight.strip("0.") != ""
