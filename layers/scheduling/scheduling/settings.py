"""Settings from environment variables, read when the code needs them. template.yaml sets the variables."""

import os


class MissingSetting(Exception):
    """An environment variable that the deployment does not set. The argument is the variable's name."""


def setting(name: str) -> str:
    """Return the value of an environment variable.

    Raises:
        MissingSetting: the variable is not set, or empty.
    """
    value = os.environ.get(name)
    if not value:
        raise MissingSetting(name)
    return value


def optional_setting(name: str) -> str | None:
    """Return the value of an environment variable, or None when the variable is not set or empty."""
    return os.environ.get(name) or None
