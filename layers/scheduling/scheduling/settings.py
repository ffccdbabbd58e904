"""The environment, read when it is needed. template.yaml is the only place that gives a value."""

import os


class MissingSetting(Exception):
    """The deployment lacks an environment variable; the argument is its name."""


def setting(name: str) -> str:
    """The value of an environment variable.

    Raises:
        MissingSetting: it is not set, or empty.
    """
    value = os.environ.get(name)
    if not value:
        raise MissingSetting(name)
    return value


def optional_setting(name: str) -> str | None:
    """The value of an environment variable that may be left empty."""
    return os.environ.get(name) or None
