"""Local stack: template.yaml, deployed by the SAM CLI to an emulator on this machine.

    python -m local.stack up | down | reset | token ROLE | logs

`make` calls this module, and the e2e tests use the class `Stack`. The stack never calls AWS, because its processes
get no credentials, profiles or endpoints of the caller.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import psutil

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
SEEN_BY_CONTAINERS = "host.docker.internal"
REGION = "us-east-1"
DEFAULT_PORT = 4580
FIRST_PORT, LAST_PORT = 1024, 65535
STATUS_SECONDS = 10
DEMO_TIMELINE = "a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8"
ROLES = ("ADMIN", "MANAGER", "USER")
PASSWORD = "Only-on-this-machine-1"
START_SECONDS, STOP_SECONDS = 300, 300
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


class StackError(Exception):
    """A failure of the local stack. The argument explains the failure and how to correct it."""


class PortTaken(StackError):
    """A port that the stack cannot use, because another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.port = port

    def __str__(self) -> str:
        return (
            f"Port {self.port} is taken by {name_listener(self.port)}. Choose two other adjacent ports: "
            f"`make up PORT={DEFAULT_PORT + 100}` uses {DEFAULT_PORT + 100} and {DEFAULT_PORT + 101}. "
            "Without PORT, `make up` looks for two free ports."
        )


class Stack:
    """An emulator with a deployment of the template in `source`. The state is in `.local/<name>`.

    The API listens on `port`, and the emulated AWS services on the next port. A test creates its own stack:

        with Stack("e2e") as stack:  # on free ports; deleted when the context ends
            stack.url, stack.outputs, stack.token("ADMIN"), stack.add_user("somebody", "USER")
    """

    def __init__(
        self,
        name: str = "stack",
        port: int = DEFAULT_PORT,
        parameters: Mapping[str, str] | None = None,
        source: Path = ROOT,
    ) -> None:
        self.port = port
        self.source = source
        self.parameters = {"DeletionProtection": "false", **(parameters or {})}
        self.state = ROOT / ".local" / name
        self.build = ROOT / ".aws-sam" / f"local-{name}"
        self._emulator: subprocess.Popen[bytes] | None = None
        self._outputs: dict[str, str] = {}

    def __enter__(self) -> "Stack":
        self.wipe()
        try:
            self.start_and_deploy()
        except BaseException:
            self.wipe()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()

    def start_and_deploy(self) -> None:
        """Start the emulator, build and deploy the template, and add the demo data."""
        self.launch(or_next_ports=True)
        self.build_template()
        self.wait_until_ready()
        self.deploy()
        self.add_demo_data()

    @classmethod
    def load(cls, name: str = "stack") -> "Stack":
        """Return the stack with the port of its last start, or with the default port."""
        try:
            return cls(name, int((ROOT / ".local" / name / "port").read_text()))
        except (OSError, ValueError):
            return cls(name)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def aws_url(self) -> str:
        return f"http://{HOST}:{self.port + 1}"

    @property
    def log(self) -> Path:
        return self.state / "emulator.log"

    @property
    def outputs(self) -> dict[str, str]:
        """Return the outputs of the deployment, such as UserPoolId and SessionsTableName."""
        if not self._outputs:
            self._outputs = {
                output["OutputKey"]: output["OutputValue"] for output in self._describe_stack()["Outputs"]
            }
        return self._outputs

    def client(self, service: str) -> Any:
        """Return a client of an emulated AWS service."""
        session: Any = boto3.Session("test", "test", region_name=REGION)
        return session.client(service, endpoint_url=self.aws_url)

    # --- Starting and stopping

    def find_process_id(self) -> int | None:
        """Return the process id of this stack's emulator, or None if the emulator is not running."""
        status = read_status(self.port)
        ours = status is not None and Path(status["state"]) == self.state / "aws"
        return status["pid"] if status and ours else None

    def launch(self, or_next_ports: bool = False) -> None:
        """Start the emulator, unless the emulator is already running. Do not wait until the emulator is ready.

        With `or_next_ports`, use the next two free ports if one of the two ports is taken.

        Raises:
            PortTaken: another program listens on one of the ports.
        """
        if self.find_process_id():
            return
        # This process opens the sockets, and the emulator inherits the sockets. So both ports are always occupied, and
        # another stack that starts at the same time chooses other ports.
        with listen(self.port, or_next_ports) as (api, aws):
            self.port = api.getsockname()[1]
            self._start_emulator(api, aws)

    def _start_emulator(self, api: socket.socket, aws: socket.socket) -> None:
        # Delete the code of functions that the emulator unpacked during its last run.
        shutil.rmtree(self.state / "tmp", ignore_errors=True)
        for folder in ("aws", "objects", "tmp"):
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        environment = self._build_environment() | {
            "API_PORT": str(self.port),
            "GATEWAY_PORT": str(self.port + 1),
            "SOCKETS": f"{api.fileno()} {aws.fileno()}",
            "BIND_HOST": HOST,
            "MINISTACK_REGION": REGION,
            "AUTH": "true",  # enforce the functions' roles
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.state / "aws"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state / "objects"),
            "TMPDIR": str(self.state / "tmp"),
            "MINISTACK_APIGW_JWKS_TIMEOUT_SECONDS": "60",  # a late key set of an issuer causes a 401
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }
        with self.log.open("wb") as log:
            self._emulator = subprocess.Popen(
                [sys.executable, "-m", "local.emulator"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(api.fileno(), aws.fileno()),
                start_new_session=True,  # Ctrl-C in the terminal of `make up` must not stop the emulator
            )
        (self.state / "port").write_text(str(self.port))

    def wait_until_ready(self) -> None:
        """Wait until the emulator responds.

        Raises:
            StackError: the emulator has exited, or does not respond in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self.find_process_id():
            if self._emulator and self._emulator.poll() is not None:
                raise StackError(
                    f"The emulator exited before it was ready. The end of its log:\n{read_tail(self.log)}"
                )
            if time.monotonic() > deadline:
                raise StackError(f"The emulator does not respond. Read {self.log}, then run `make down`.")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the emulator. Before the emulator exits, it writes its state to disk.

        Raises:
            StackError: the emulator does not stop.
        """
        pid = self.find_process_id()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._is_alive(pid):
            if time.monotonic() > deadline:
                raise StackError(
                    f"The emulator (process {pid}) does not stop. `kill -9 {pid}` loses all changes since its start."
                )
            time.sleep(0.05)
        shutil.rmtree(self.state / "tmp", ignore_errors=True)

    def _is_alive(self, pid: int) -> bool:
        # After a child process exits, its process id exists until `poll` reads the exit status.
        if self._emulator and self._emulator.pid == pid:
            return self._emulator.poll() is None
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True

    def wipe(self) -> None:
        """Stop the emulator, and delete its state and the build."""
        self.stop()
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.rmtree(self.build, ignore_errors=True)

    # --- Building and deploying

    def build_template(self) -> None:
        """Build the template. Build the layer for the Python that runs this module.

        Raises:
            StackError: the build fails.
        """
        for bytecode in (self.source / "functions").glob("*/__pycache__"):
            # The zip file of a function must contain only the handler. Another process may delete the same folder.
            shutil.rmtree(bytecode, ignore_errors=True)
        here = {"LAYER_TARGET": "here", "PYTHON": sys.executable}
        self._run_sam("build", "--build-dir", str(self.build), environment=here)

    def deploy(self) -> None:
        """Deploy the build.

        Raises:
            StackError: the deployment fails.
        """
        bucket, s3 = "deployments", self.client("s3")
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket)
        self._run_sam(
            *("deploy", "--template-file", str(self.build / "template.yaml"), "--stack-name", "sessions"),
            *("--s3-bucket", bucket, "--region", REGION, "--capabilities", "CAPABILITY_IAM"),
            *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
            *("--parameter-overrides", *(f"{name}={value}" for name, value in self.parameters.items())),
            # botocore requests the account id, which the emulator does not support. A retry would fail too.
            environment={"SAM_CLI_POLL_DELAY": "0.2", "AWS_MAX_ATTEMPTS": "1"},
        )
        self._outputs = {}
        self.write_variables()

    def _run_sam(self, command: str, *arguments: str, environment: Mapping[str, str]) -> None:
        log = self.state / f"sam-{command}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            done = subprocess.run(
                # samconfig.toml has no section `local`, so the SAM CLI uses no setting of samconfig.toml.
                [sys.executable, "-m", "samcli", command, "--config-env", "local", *arguments],
                cwd=self.source,
                env={**self._build_environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if done.returncode:
            raise StackError(f"`sam {command}` failed. The whole output is in {log}:\n{find_failure(log)}")

    def _describe_stack(self) -> dict[str, Any]:
        stacks: list[dict[str, Any]] = self.client("cloudformation").describe_stacks(StackName="sessions")[
            "Stacks"
        ]
        return stacks[0]

    def _build_environment(self) -> dict[str, str]:
        """Return the caller's environment with the AWS settings of the emulator."""
        nowhere = str(self.state / "none")
        return {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_CLI_"))
        } | {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.aws_url,
            "SAM_CLI_TELEMETRY": "0",
        }

    def tables(self) -> dict[str, str]:
        """Return the environment variables with the names of the tables."""
        return {
            f"{name.upper()}_TABLE": self.outputs[f"{name}TableName"]
            for name in ("Sessions", "Timelines", "Calendar", "Idempotency", "Counters")
        }

    def write_variables(self) -> None:
        """Write the environment variables for functions in Docker to the file that samconfig.toml names."""
        variables = self.tables() | {"DYNAMODB_ENDPOINT": f"http://{SEEN_BY_CONTAINERS}:{self.port + 1}"}
        path = self.state / "sam-local.json"
        path.write_text(json.dumps({"Parameters": variables}, indent=2) + "\n")

    # --- Users and demo data

    def add_user(self, name: str, *roles: str) -> str:
        """Create a user with roles, unless the user exists. Return the user's `sub`."""
        cognito, pool = self.client("cognito-idp"), {"UserPoolId": self.outputs["UserPoolId"]}
        email = f"{name}@example.com"
        try:
            found = cognito.admin_get_user(**pool, Username=email)["UserAttributes"]
        except cognito.exceptions.UserNotFoundException:
            attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
            new = cognito.admin_create_user(
                **pool, Username=email, UserAttributes=attributes, MessageAction="SUPPRESS"
            )
            found = new["User"]["Attributes"]
            cognito.admin_set_user_password(**pool, Username=email, Password=PASSWORD, Permanent=True)
            for role in roles:
                cognito.admin_add_user_to_group(**pool, Username=email, GroupName=role)
        sub: str = next(attribute["Value"] for attribute in found if attribute["Name"] == "sub")
        return sub

    def token_of(self, name: str) -> str:
        """Return a new access token of a user, valid for an hour."""
        answer = self.client("cognito-idp").admin_initiate_auth(
            UserPoolId=self.outputs["UserPoolId"],
            ClientId=self.outputs["UserPoolClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": f"{name}@example.com", "PASSWORD": PASSWORD},
        )
        token: str = answer["AuthenticationResult"]["AccessToken"]
        return token

    def token(self, role: str) -> str:
        """Return a new token of the demo user with the role."""
        return self.token_of(role.lower())

    def add_demo_data(self) -> None:
        """Create a user for each role, and a demo timeline that the user with the role USER owns.

        A stack with an external issuer (parameter JwtIssuer) has no user pool. So such a stack gets no demo data.
        """
        if "UserPoolId" not in self.outputs:
            return
        owner = {role: self.add_user(role.lower(), role) for role in ROLES}["USER"]
        layer = {"PYTHONPATH": str(ROOT / "layers" / "scheduling")}
        done = subprocess.run(
            [sys.executable, str(ROOT / "local" / "demo.py"), DEMO_TIMELINE, owner],
            env=self._build_environment() | self.tables() | layer,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise StackError(f"The demo timeline could not be created:\n{done.stderr}")


def read_status(port: int) -> dict[str, Any] | None:
    """Return the status of the emulator on a port, or None if no emulator responds."""
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex((HOST, port)):
            return None
    try:
        with urlopen(f"http://{HOST}:{port}/_local/status", timeout=STATUS_SECONDS) as response:
            status = json.load(response)
        return {"pid": int(status["pid"]), "state": str(status["state"])}
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return None


def name_listener(port: int) -> str:
    """Return a description of the program that listens on a port."""
    if status := read_status(port):
        return f"the stack in {Path(status['state']).parents[2]} (`make down` there stops that stack)"
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return "another program"


@contextmanager
def listen(port: int, or_next_ports: bool = False) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Listen on a port and the next port while the context is open.

    With `or_next_ports`, use the next two free ports if one of the two ports is taken.

    Raises:
        PortTaken: another program listens on one of the ports.
    """
    while True:
        try:
            with ExitStack() as opened:
                api, aws = (opened.enter_context(_listen_on(number)) for number in (port, port + 1))
                opened.pop_all()
            break
        except PortTaken:
            port += 2
            if not or_next_ports or port >= LAST_PORT:
                raise
    with api, aws:
        yield api, aws


def _listen_on(port: int) -> socket.socket:
    one = socket.socket()
    try:
        # Without SO_REUSEADDR, `bind` fails while connections of a stopped emulator are still open.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((HOST, port))
        one.listen()
    except OSError as error:
        one.close()
        raise PortTaken(port) from error
    return one


def free_port() -> int:
    """Return a free port. The next port is also free."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        with suppress(PortTaken, OverflowError), listen(port):
            return port


def find_failure(log: Path) -> str:
    """Return the first failure in the SAM CLI's output. If the output names no failure, return its end."""
    lines = log.read_text(errors="replace").splitlines()
    first = next((number for number, line in enumerate(lines) if "_FAILED" in line), None)
    return read_tail(log) if first is None else "\n".join([*lines[first : first + 10], lines[-1]])


def read_tail(path: Path, lines: int = 25) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


# --- The commands


@contextmanager
def print_step(what: str) -> Iterator[None]:
    """Print the name of a step, and how long the step took."""
    print(f"{what} ... ", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - started:.1f} s", flush=True)


def up(port: int | None, origins: str | None) -> None:
    """Start the emulator, deploy the template, and print how to call the API.

    Without `port`, use the ports of the last start, or the next two free ports. Without `origins`, keep the origins of
    the last deployment.
    """
    stack = Stack.load()
    if port and port != stack.port:
        if stack.find_process_id():
            with listen(port):
                pass  # raise PortTaken before the running stack is stopped
            with print_step(f"Stopping the stack on port {stack.port}"):
                stack.stop()
        stack = Stack(port=port)
    with print_step("Building the layer and the functions"):
        stack.launch(or_next_ports=port is None)  # the emulator starts during the build
        stack.build_template()
    with print_step(f"Waiting for the emulator on port {stack.port + 1}"):
        stack.wait_until_ready()
    if origins:
        stack.parameters["CorsAllowedOrigins"] = origins
    with print_step("Deploying template.yaml"):
        stack.deploy()
    with print_step("Adding demo users and a demo timeline"):
        stack.add_demo_data()
    print(WELCOME.format(url=stack.url, timeline=DEMO_TIMELINE, token=stack.token("USER")))


WELCOME = """
The API is running. Its documentation is at {url}/docs. Paste these lines:

API={url}
TOKEN='{token}'

curl -X POST "$API/sessions" -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{{
  "type": "RECURRING", "timelineId": "{timeline}", "name": "Weekly Yoga Class",
  "startDateTime": "2023-12-01T09:00:00Z", "endDateTime": "2023-12-01T10:00:00Z",
  "repeatCycleType": "WEEKLY", "recurringDayOfWeek": "FRIDAY"}}'

curl "$API/sessions?timelineId={timeline}&startDateTimeSortOrder=ASC&skip=0&take=10" \\
  -H "Authorization: Bearer $TOKEN"

The token expires after an hour. Its user has the role USER and owns the demo timeline. Other commands:
`make token ROLE=ADMIN` prints another token, `make logs` follows the functions' logs, `make down` stops the API and
keeps its data, and `make reset` deletes the data."""


NOTHING_RUNS = "Nothing is running. `make up` starts the stack."


def down() -> None:
    stack = Stack.load()
    if not stack.find_process_id():
        print(NOTHING_RUNS)
        return
    with print_step("Stopping. The next `make up` will have the same data"):
        stack.stop()


def reset() -> None:
    stack = Stack.load()
    with print_step(
        "Stopping, and deleting all data"
        if stack.find_process_id()
        else "Nothing is running. Deleting all data"
    ):
        stack.wipe()
    print("All data is deleted. `make up` starts an empty stack.")


def print_token(role: str) -> None:
    if role not in ROLES:
        raise StackError(f"{role!r} is not a role. Choose ADMIN, MANAGER or USER: `make token ROLE=ADMIN`.")
    print(_require_running_stack().token(role))


def print_logs() -> None:
    """Print the logs of the last ten minutes. If the output is a terminal, also print new lines until Ctrl-C."""
    stack = _require_running_stack()
    client, group = stack.client("logs"), stack.outputs["LogGroupName"]
    since, shown = int((time.time() - 600) * 1000), set[tuple[int, str]]()
    while True:
        events = client.filter_log_events(logGroupName=group, startTime=since)["events"]
        for event in sorted(events, key=lambda event: event["timestamp"]):
            if (line := (event["timestamp"], event["message"])) not in shown:
                shown.add(line)
                print(line[1].rstrip(), flush=True)
        if not sys.stdout.isatty():
            return
        time.sleep(1)


def _require_running_stack() -> Stack:
    stack = Stack.load()
    if not stack.find_process_id():
        raise StackError(NOTHING_RUNS)
    return stack


def parse_port(text: str) -> int:
    """Return the port that the text names.

    Raises:
        StackError: the text is not a number, or not in the range of ports.
    """
    if text.isascii() and text.isdigit() and FIRST_PORT <= (port := int(text)) < LAST_PORT:
        return port
    raise StackError(f"PORT must be a number from {FIRST_PORT} to {LAST_PORT - 1}, not {text!r}.")


def parse_origins(text: str) -> str:
    """Return the text if the text is `*` or a list of origins, separated by commas.

    Raises:
        StackError: the text contains something else, such as the path of a page.
    """
    if text == "*" or all(_ORIGIN.fullmatch(origin) for origin in text.split(",")):
        return text
    raise StackError(
        "CORS must be * or origins of the form http://localhost:5173 in lower case, separated by commas, "
        f"without paths and final slashes, not {text!r}."
    )


def remove_aws_settings() -> None:
    """Remove the caller's AWS settings from the environment, and bypass the proxy for 127.0.0.1."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(
        [*([direct] if direct else []), HOST, "localhost"]
    )


def main(arguments: list[str]) -> None:
    remove_aws_settings()
    try:
        match arguments:
            case ["up", *rest]:
                origins = os.environ.get("CORS")
                up(
                    parse_port(rest[0]) if rest and rest[0] else None,
                    parse_origins(origins) if origins else None,
                )
            case ["down"]:
                down()
            case ["reset"]:
                reset()
            case ["token", role]:
                print_token(role.upper())
            case ["logs"]:
                print_logs()
            case _:
                sys.exit(__doc__)
    except StackError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
