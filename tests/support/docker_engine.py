"""Docker engine for `sam local`: the running engine of this machine, or an engine started for the tests.

With a running engine, the tests change no containers except their own, which are in a separate Docker network. If the
engine runs directly on this machine (Linux), the gateway of this network is an address of this machine. Then services
for the containers listen on the gateway's address.
Only this machine and its containers can connect to the gateway's address. With an engine in a virtual machine (Docker
Desktop), the services listen on 127.0.0.1, and the containers connect to `host.docker.internal`.

If no engine responds, the tests start an engine, but only on Linux, as the user root. The engine and its
containers run in a separate network namespace without a connection to other networks. The engine changes the firewall
and the addresses only in this namespace. A test must enter the namespace to call a container. Containers can connect to
services that listen on 127.0.0.1 inside the namespace.
"""

import ctypes
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

_LOOPBACK = "127.0.0.1"
_LOOPBACK_INSIDE = "192.0.2.1"
"""The address that containers use instead of 127.0.0.1 if the tests have started the engine (reserved by RFC 5737)."""
_LOOPBACK_OUTSIDE = "host.docker.internal"
"""The name of this machine for containers of an engine in a virtual machine."""

_BRIDGE = "docker0"
_DATA = Path(__file__).parents[2] / ".local" / "docker"
_ANSWER_SECONDS, _START_SECONDS, _STOP_SECONDS = 180, 180, 30
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET in <sched.h>
_NEEDED = ("dockerd", "docker", "ip", "iptables", "setpriv", "unshare")
_ALSO_IN = "/usr/sbin:/sbin"  # Debian installs some of the programs here, but a PATH may lack these folders


class EngineMissing(Exception):
    """Error: no Docker engine can be used. The message gives the reason, or names the packages to install."""


@dataclass(frozen=True)
class DockerEngine:
    """A running Docker engine."""

    address: str
    """The value of `DOCKER_HOST` for clients of the engine."""
    host: str
    """The address or name of this machine for containers."""
    listen: str = _LOOPBACK
    """The address on which a service of this machine must listen, so that containers can connect to the service."""
    network: str | None = None
    """The Docker network that all containers of the tests must be in; None for any network."""
    _namespace: int | None = None

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Move this thread into the engine's network namespace, if there is one, while the context is open.

        The processes that the thread starts during this time stay in the namespace.
        """
        if self._namespace is None:
            yield
            return
        outside = _open_namespace()
        _enter_namespace(self._namespace)
        try:
            yield
        finally:
            _enter_namespace(outside)
            os.close(outside)

    def docker(self, *arguments: str, seconds: float | None = None) -> str:
        """Run a command of Docker's client and return the output.

        Raises:
            CalledProcessError: the command failed.
            TimeoutExpired: the command took longer than `seconds`.
        """
        return _run_command(["docker", "--host", self.address, *arguments], seconds)

    def check_connection(self, image: str, python: str, port: int) -> None:
        """Check that containers can connect to a port of this machine.

        Raises:
            EngineMissing: containers cannot connect.
        """
        network = ["--network", self.network] if self.network else []
        connect = f"import socket; socket.create_connection(('{self.host}', {port}), 5)"
        try:
            self.docker("run", "--rm", *network, "--entrypoint", python, image, "-c", connect)
        except subprocess.CalledProcessError as error:
            raise EngineMissing(
                f"Containers of {self.address} do not reach this machine's {self.listen} as {self.host}. "
                "Possible reasons: a firewall, an engine on another machine, or an engine that runs without root.\n"
                f"{error.stderr.decode()}"
            ) from error

    def remove_containers(self, *which: str) -> None:
        """Remove the containers that `docker ps` lists with these options."""
        if containers := self.docker("ps", "--all", "--quiet", *which).split():
            self.docker("rm", "--force", *containers)


@contextmanager
def engine() -> Iterator[DockerEngine]:
    """Yield the running engine. If no engine responds, start an engine for as long as the context is open.

    Raises:
        EngineMissing: no engine responds, and the tests cannot start one.
    """
    address = _find_running()
    with _use_running_engine(address) if address else _start_engine() as found:
        yield found


# --- A running engine


def _find_running() -> str | None:
    """Return the address of the engine that `DOCKER_HOST` or Docker's context names; None if no engine responds."""
    try:
        _run_command(["docker", "version", "--format", "{{.Server.Version}}"], seconds=_ANSWER_SECONDS)
        return _run_command(
            ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
        ).strip()
    except (OSError, subprocess.SubprocessError):
        return None


@contextmanager
def _use_running_engine(address: str) -> Iterator[DockerEngine]:
    network = f"sessions-{secrets.token_hex(4)}"
    engine = DockerEngine(address, _LOOPBACK_OUTSIDE, network=network)
    engine.docker("network", "create", network)
    try:
        gateways = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
        gateway = engine.docker("network", "inspect", "--format", gateways, network).split()[0]
        yield replace(engine, host=gateway, listen=gateway) if _is_of_this_machine(gateway) else engine
    finally:
        engine.remove_containers("--filter", f"network={network}")
        engine.docker("network", "rm", network)


def _is_of_this_machine(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


# --- An engine of the tests


@contextmanager
def _start_engine() -> Iterator[DockerEngine]:
    """Start an engine in a separate network namespace. The images of the engine are kept in `.local/docker`."""
    _check_requirements()
    with (
        # This folder is not in .local, because the path of a socket must be short.
        tempfile.TemporaryDirectory(prefix="sessions-docker-", ignore_cleanup_errors=True) as home,
        _new_namespace() as namespace,
    ):
        engine = DockerEngine(f"unix://{home}/docker.sock", _LOOPBACK_INSIDE, _namespace=namespace)
        with _run_dockerd(engine, Path(home)):
            try:
                yield engine
            finally:
                engine.remove_containers()
                engine.docker("image", "prune", "--force")


def _check_requirements() -> None:
    """Check that an engine can run here.

    Raises:
        EngineMissing: no engine can run here.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        raise EngineMissing(
            "No Docker engine responds: install Docker and start it (on Linux, your user must be in the group docker)."
        )
    path = _build_environment()["PATH"]
    if missing := [command for command in _NEEDED if not shutil.which(command, path=path)]:
        raise EngineMissing(
            f"No Docker engine responds, and the tests cannot start one without {', '.join(missing)}. "
            "On Debian: apt-get install docker.io iproute2 iptables util-linux, and from Debian 13 on docker-cli."
        )


@contextmanager
def _run_dockerd(engine: DockerEngine, home: Path) -> Iterator[None]:
    with (home / "log").open("w+") as log:
        with engine.inside():
            process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "TERM"),  # end when the parent process ends
                    *("unshare", "--mount"),  # remove the mounts of the process when the process ends
                    *("dockerd", "--host", engine.address, "--data-root", str(_DATA)),
                    *("--exec-root", str(home / "run"), "--pidfile", str(home / "pid")),
                    *("--bip", f"{engine.host}/24", "--iptables=false", "--ip6tables=false"),
                ],
                env=_build_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C must not end the engine before its containers are removed
            )
        try:
            _wait_until_ready(engine, process, log)
            with engine.inside():
                _let_containers_reach_loopback()
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(engine: DockerEngine, process: subprocess.Popen[str], log: IO[str]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(subprocess.CalledProcessError):
            engine.docker("info")
            return
        time.sleep(0.1)
    log.seek(0)
    words = "\n".join(log.read().splitlines()[-10:])
    raise EngineMissing(f"dockerd does not start on this machine:\n{words}")


def _let_containers_reach_loopback() -> None:
    """Forward traffic for `_LOOPBACK_INSIDE` to 127.0.0.1. By default, the kernel drops such traffic."""
    incoming = ("-i", _BRIDGE, "-p", "tcp", "-d", _LOOPBACK_INSIDE)
    rule = (*incoming, "-j", "DNAT", "--to-destination", _LOOPBACK)
    try:
        _run_command(["ip", "link", "set", "lo", "up"])
        _run_command(["iptables", "-t", "nat", "-A", "PREROUTING", *rule])
        Path(f"/proc/sys/net/ipv4/conf/{_BRIDGE}/route_localnet").write_text("1")
    except (OSError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", b"") or b""
        raise EngineMissing(
            f"This machine does not permit the network settings of an engine: {error} {words.decode()}"
        ) from error


@contextmanager
def _new_namespace() -> Iterator[int]:
    """Create a network namespace that exists while the context is open or a process runs in the namespace."""
    outside = _open_namespace()
    try:
        _call_c_library("unshare", _NEW_NETWORK)
        inside = _open_namespace()
        _enter_namespace(outside)
    except OSError as error:
        raise EngineMissing(
            f"This machine does not permit a network namespace for an engine: {error}"
        ) from error
    finally:
        os.close(outside)
    try:
        yield inside
    finally:
        os.close(inside)


def _open_namespace() -> int:
    """Open the network namespace of this thread and return the file descriptor."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def _enter_namespace(namespace: int) -> None:
    _call_c_library("setns", namespace, _NEW_NETWORK)


def _call_c_library(function: str, *arguments: int) -> None:
    """Call a function of the C library. Python has `os.unshare` and `os.setns` only from version 3.12 on."""
    library = ctypes.CDLL(None, use_errno=True)
    if library[function](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def _build_environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_ALSO_IN}"}


def _run_command(command: Sequence[str], seconds: float | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            env=_build_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=seconds,
        )
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr.decode())
        raise
    return done.stdout.decode()
