"""Options that name tables, and the exit status after errors of AWS, for the tools of operators."""

import argparse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

FAILED = 2
"""The exit status after an error of AWS. `argparse` uses the same status for wrong options."""


def add_table_options(parser: argparse.ArgumentParser, kinds: Iterable[str]) -> None:
    """Add a required option for the name of each table, such as `--sessions-table`."""
    for kind in kinds:
        parser.add_argument(
            f"--{kind}-table",
            required=True,
            type=_parse_table_name,
            help=f"the stack's output {kind.title()}TableName",
        )


def _parse_table_name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("The name of the table is empty.")
    return text


@contextmanager
def exit_on_aws_errors(parser: argparse.ArgumentParser) -> Iterator[None]:
    """After an error of AWS, print a sentence instead of a stack trace, and exit with the status 2."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        message = str(error)
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "ResourceNotFoundException":
            message = "A table does not exist. Check the names of the tables, the account and the region."
        parser.exit(FAILED, f"{message}\n")
