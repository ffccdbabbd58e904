"""Docker engine for `sam local`: the running engine of this machine, or an engine started for the tests.

With a running engine, the tests change only their own containers, which are in a separate Docker network. On Linux,
the gateway of this network is an address of this machine. Services for the containers listen on this address, which
only containers of this machine reach. With an engine in a virtual machine (Docker Desktop), the services listen on
127.0.0.1, and the containers use the engine's name for this machine.

Without a running engine, as in CI, root starts an engine on Linux. The engine and its containers run in a network
namespace without a link to the outside, so the machine's firewall and addresses do not change. A test enters the
namespace to call a container. Containers reach services that listen on 127.0.0.1 inside the namespace.
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
"""The address at which containers reach loopback in our own engine (a documentation address of RFC 5737)."""
_LOOPBACK_OUTSIDE = "host.docker.internal"
"""The name by which containers of an engine in a virtual machine reach this machine."""

_BRIDGE = "docker0"
_DATA = Path(__file__).parents[2] / ".local" / "docker"
_ANSWER_SECONDS, _START_SECONDS, _STOP_SECONDS = 20, 30, 30
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET in <sched.h>
_NEEDED = ("dockerd", "docker", "ip", "iptables", "setpriv", "unshare")
_ALSO_IN = "/usr/sbin:/sbin"  # Debian's folders for some of the programs, which not every PATH has


class EngineMissing(Exception):
    """No Docker engine can be used. The argument says why, or what to install."""


@dataclass(frozen=True)
class DockerEngine:
    """A running Docker engine."""

    address: str
    """The value of `DOCKER_HOST` for clients of the engine."""
    host: str
    """The address or name at which containers reach a service of this machine."""
    listen: str = _LOOPBACK
    """The address at which such a service must listen."""
    network: str | None = None
    """The Docker network that all our containers must be in; None for any network."""
    _namespace: int | None = None

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Run this thread, and everything that the thread starts, in the engine's network."""
        if self._namespace is None:
            yield
            return
        outside = _namespace()
        _enter(self._namespace)
        try:
            yield
        finally:
            _enter(outside)
            os.close(outside)

    def docker(self, *arguments: str, seconds: float | None = None) -> str:
        """Run a command of Docker's client; return the output.

        Raises:
            CalledProcessError: the command failed.
            TimeoutExpired: the command took longer than `seconds`.
        """
        return _run(["docker", "--host", self.address, *arguments], seconds)

    def check_connection(self, image: str, python: str, port: int) -> None:
        """Raise EngineMissing unless containers can connect to that port.

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
                f"Is there a firewall, or does the engine run elsewhere, or without root?\n{error.stderr.decode()}"
            ) from error

    def remove_containers(self, *which: str) -> None:
        """Remove the containers that `docker ps` lists with those options."""
        if containers := self.docker("ps", "--all", "--quiet", *which).split():
            self.docker("rm", "--force", *containers)


@contextmanager
def engine() -> Iterator[DockerEngine]:
    """Yield the running engine, or start an engine while the context is open.

    Raises:
        EngineMissing: no engine runs, and none can be started.
    """
    address = _find_running()
    with _use_running_engine(address) if address else _start_engine() as found:
        yield found


# --- A running engine


def _find_running() -> str | None:
    """Return the address of the engine that `DOCKER_HOST` or Docker's context names; None if no engine answers."""
    try:
        _run(["docker", "version", "--format", "{{.Server.Version}}"], seconds=_ANSWER_SECONDS)
        return _run(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]).strip()
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


# --- Our own engine


@contextmanager
def _start_engine() -> Iterator[DockerEngine]:
    """Start an engine in a network of its own. Its images stay in `.local/docker` for the next run."""
    _check_requirements()
    with (
        # Not below .local: a socket's path must be short.
        tempfile.TemporaryDirectory(prefix="sessions-docker-", ignore_cleanup_errors=True) as home,
        _new_namespace() as namespace,
    ):
        engine = DockerEngine(f"unix://{home}/docker.sock", _LOOPBACK_INSIDE, _namespace=namespace)
        with _dockerd(engine, Path(home)):
            try:
                yield engine
            finally:
                engine.remove_containers()
                engine.docker("image", "prune", "--force")


def _check_requirements() -> None:
    """Raise EngineMissing unless an engine can run here.

    Raises:
        EngineMissing: no engine can run here.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        raise EngineMissing(
            "No Docker engine answers: install Docker and start it (on Linux, your user must be in the group docker)."
        )
    path = _environment()["PATH"]
    if missing := [command for command in _NEEDED if not shutil.which(command, path=path)]:
        raise EngineMissing(
            f"No Docker engine answers, and to start one there is no {', '.join(missing)}. "
            "On Debian: apt-get install docker.io docker-cli iproute2 iptables util-linux (docker-cli from 13 on)."
        )


@contextmanager
def _dockerd(engine: DockerEngine, home: Path) -> Iterator[None]:
    with (home / "log").open("w+") as log:
        with engine.inside():
            process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "TERM"),  # end with the process that started the engine
                    *("unshare", "--mount"),  # its mounts end with the process
                    *("dockerd", "--host", engine.address, "--data-root", str(_DATA)),
                    *("--exec-root", str(home / "run"), "--pidfile", str(home / "pid")),
                    *("--bip", f"{engine.host}/24", "--iptables=false", "--ip6tables=false"),
                ],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,  # keep Ctrl-C from the engine, so that its containers are removed first
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
    """Forward traffic to the bridge's address to loopback, which the kernel refuses by default."""
    incoming = ("-i", _BRIDGE, "-p", "tcp", "-d", _LOOPBACK_INSIDE)
    rule = (*incoming, "-j", "DNAT", "--to-destination", _LOOPBACK)
    try:
        _run(["ip", "link", "set", "lo", "up"])
        _run(["iptables", "-t", "nat", "-A", "PREROUTING", *rule])
        Path(f"/proc/sys/net/ipv4/conf/{_BRIDGE}/route_localnet").write_text("1")
    except (OSError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", b"") or b""
        raise EngineMissing(
            f"This machine refuses an engine its network: {error} {words.decode()}"
        ) from error


@contextmanager
def _new_namespace() -> Iterator[int]:
    """Create a network namespace that exists while the context is open or a process uses the namespace."""
    outside = _namespace()
    try:
        _call_c_library("unshare", _NEW_NETWORK)
        inside = _namespace()
        _enter(outside)
    except OSError as error:
        raise EngineMissing(f"This machine refuses a network for an engine: {error}") from error
    finally:
        os.close(outside)
    try:
        yield inside
    finally:
        os.close(inside)


def _namespace() -> int:
    """Open the network namespace of this thread; return the file descriptor."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def _enter(namespace: int) -> None:
    _call_c_library("setns", namespace, _NEW_NETWORK)


def _call_c_library(function: str, *arguments: int) -> None:
    """Call a function of the C library that Python exports only since 3.12."""
    library = ctypes.CDLL(None, use_errno=True)
    if library[function](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_ALSO_IN}"}


def _run(command: Sequence[str], seconds: float | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=seconds,
        )
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr.decode())
        raise
    return done.stdout.decode()
