"""Invocation of one function in Docker, as a demo user, with the tables of `make up`.

    python -m local.invoke FUNCTION ROLE [ID] [-- OPTIONS OF SAM LOCAL INVOKE]

The event is the file in `events/` with the name of the function. ID replaces the id in the path of the event.
"""

import asyncio
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

from local.stack import (
    HOST,
    NOTHING_RUNS,
    REGION,
    ROLES,
    ROOT,
    SEEN_BY_CONTAINERS,
    Stack,
    StackError,
    remove_aws_settings,
)

EVENTS = ROOT / "events"
BUILT = ROOT / ".aws-sam" / "invoke"
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
SAM = (sys.executable, "-m", "samcli")
NO_SECTION = ("--config-env", "local")
"""The name of a section that samconfig.toml does not have. So the SAM CLI uses no setting of samconfig.toml."""


def prepare_event(function: str, role: str, subject: str, id: str = "") -> str:
    """Return the event of a function, with a user of the role as the caller.

    `id` replaces the session's or timeline's id in the path. The path keeps the date of an occurrence.

    Raises:
        StackError: the function does not exist.
    """
    path = EVENTS / f"{function}.json"
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in EVENTS.glob("*.json")))
        raise StackError(f"No function with an event is named {function!r}. Choose one of {names}.")
    event: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if authorizer := event.get("requestContext", {}).get("authorizer"):
        authorizer["jwt"]["claims"] |= {"sub": subject, "cognito:groups": f"[{role}]"}
    text = json.dumps(event)
    for name, former in event.get("pathParameters", {}).items():
        if id and name.endswith("Id"):
            text = text.replace(former, id)
    return text


def build(architecture: str) -> None:
    """Build the template for a processor architecture.

    Raises:
        StackError: the build fails.
    """
    done = subprocess.run(
        [
            *(*SAM, "build", *NO_SECTION, "--cached", "--build-dir", str(BUILT)),
            *("--cache-dir", f"{BUILT}-cache", "--parameter-overrides", f"Architecture={architecture}"),
        ],
        cwd=ROOT,
        env=_build_environment() | {"LAYER_ARCHITECTURE": architecture, "PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise StackError(f"`sam build` failed:\n{done.stderr}")


async def invoke(stack: Stack, function: str, event: str, architecture: str, options: Sequence[str]) -> int:
    """Run the function with the event. Print the function's response to stdout, and its log to stderr."""
    logical_id = "".join(word.capitalize() for word in function.split("_")) + "Function"
    command = [
        *(*SAM, "local", "invoke", logical_id, *NO_SECTION, "--event", "-", "--region", REGION),
        *(
            "--template",
            str(BUILT / "template.yaml"),
            "--parameter-overrides",
            f"Architecture={architecture}",
        ),
        *("--env-vars", str(stack.state / "sam-local.json")),
        *("--add-host", f"{SEEN_BY_CONTAINERS}:host-gateway", *options),
    ]
    async with AsyncExitStack() as opened:
        # On Linux, containers can connect to the address of Docker's bridge, but not to this machine's 127.0.0.1, where
        # the stack listens. So forward connections from the bridge to 127.0.0.1. With Docker Desktop, containers can
        # connect to 127.0.0.1, and this machine does not have the bridge's address. Then `_forward_port` raises an
        # OSError, which is ignored.
        with suppress(OSError):
            await opened.enter_async_context(await _forward_port(find_bridge(), stack.port + 1))
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=_build_environment(), stdin=asyncio.subprocess.PIPE
        )
        await process.communicate(event.encode())
        return process.returncode or 0


def find_bridge() -> str:
    """Return the address of Docker's bridge. On Linux, containers can connect to this machine at this address.

    Raises:
        StackError: no Docker engine responds.
    """
    inspect = ["docker", "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge"]
    try:
        return subprocess.run(inspect, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise StackError("No Docker engine responds. Install and start Docker.") from error


async def _forward_port(address: str, port: int) -> asyncio.Server:
    """Forward connections from a port of `address` to the same port of 127.0.0.1."""

    async def forward_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection(HOST, port)
        await asyncio.gather(_copy_stream(reader, to_writer), _copy_stream(to_reader, writer))

    return await asyncio.start_server(forward_connection, address, port)


async def _copy_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def _build_environment() -> dict[str, str]:
    """Return the caller's environment with test credentials instead of the caller's AWS settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_CLI_"))}
    return kept | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_STS": f"http://{HOST}:1",  # no server listens on port 1, so calls of STS fail
        "AWS_MAX_ATTEMPTS": "1",
        "SAM_CLI_TELEMETRY": "0",
    }


def run(stack: Stack, function: str, role: str, id: str = "", options: Sequence[str] = ()) -> int:
    """Build the functions, and invoke one function as the demo user with the role.

    Raises:
        StackError: the stack is not running, the function or role does not exist, Docker is not running, or Lambda
            does not support the processor.
    """
    if not stack.find_process_id():
        raise StackError(NOTHING_RUNS)
    if role not in ROLES:
        raise StackError(f"{role!r} is not a role. Choose ADMIN, MANAGER or USER.")
    architecture = ARCHITECTURES.get(platform.machine().lower())
    if not architecture:
        raise StackError(f"Lambda does not support this processor: {platform.machine()}.")
    event = prepare_event(function, role, stack.add_user(role.lower(), role), id)
    find_bridge()  # fail before the build if Docker is not running
    build(architecture)
    return asyncio.run(invoke(stack, function, event, architecture, options))


def main(arguments: list[str]) -> None:
    remove_aws_settings()
    end = arguments.index("--") if "--" in arguments else len(arguments)
    try:
        match arguments[:end]:
            case [function, role] | [function, role, ""]:
                sys.exit(run(Stack.load(), function, role.upper(), options=arguments[end + 1 :]))
            case [function, role, id]:
                sys.exit(run(Stack.load(), function, role.upper(), id, arguments[end + 1 :]))
            case _:
                sys.exit(__doc__)
    except StackError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
