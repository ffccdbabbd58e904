"""A Docker engine of its own, in a network of its own: for `sam local` where no engine runs, as in CI.

The engine and its containers live in a network namespace that no link leaves: what a container binds there is
reachable from nowhere else, and the machine's own firewall and addresses stay as they are. Whoever wants to talk
with them goes inside; what listens on 127.0.0.1 in there is reached by containers at `HOST`.

It needs Linux, root and Debian's docker.io.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

HOST = "192.0.2.1"
"""Where containers reach this machine's 127.0.0.1: an address that is nobody's (RFC 5737)."""

_BRIDGE = "docker0"
_DATA = Path(__file__).parent.parent / ".local" / "docker"
_START_SECONDS, _STOP_SECONDS = 30, 30
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET in <sched.h>
_NEEDED = ("dockerd", "docker", "ip", "iptables", "setpriv")
_ALSO_IN = "/usr/sbin:/sbin"  # where Debian has some of them, and not every PATH


class EngineMissing(Exception):
    """An engine cannot run here; the argument is the sentence that says why."""


class DockerEngine:
    """The engine, running while the context is open.

    Images stay between runs, below `.local/docker`.
    """

    def __enter__(self) -> "DockerEngine":
        _check()
        self._home = Path(tempfile.mkdtemp(prefix="docker-"))  # a socket's path must be short
        self.address = f"unix://{self._home}/docker.sock"
        self._log = (self._home / "log").open("w+")
        self._process: subprocess.Popen[str] | None = None
        self._network = -1
        outside = _network()
        try:
            _call("unshare", _NEW_NETWORK)
            self._network = _network()
            self._start()
        except BaseException as error:
            self.__exit__()
            if isinstance(error, OSError | subprocess.CalledProcessError):
                words = getattr(error, "stderr", b"") or b""
                raise EngineMissing(
                    f"This machine refuses a network for an engine: {error} {words.decode()}"
                ) from error
            raise
        finally:
            _enter(outside)
            os.close(outside)
        return self

    @contextmanager
    def inside(self) -> Iterator[None]:
        """In its network while the context is open: this thread, and all threads and processes that it starts."""
        outside = _network()
        _enter(self._network)
        try:
            yield
        finally:
            _enter(outside)
            os.close(outside)

    def _start(self) -> None:
        _run(["ip", "link", "set", "lo", "up"])
        self._process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "TERM"),  # never outlive who started it
                *("dockerd", "--host", self.address, "--data-root", str(_DATA)),
                *("--exec-root", str(self._home / "run"), "--pidfile", str(self._home / "pid")),
                *("--bip", f"{HOST}/24", "--iptables=false", "--ip6tables=false"),
            ],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            text=True,
        )
        self._wait()
        # Docker's bridge has that address; what comes to it goes on to loopback, which the kernel refuses unless told.
        incoming = ("-i", _BRIDGE, "-p", "tcp", "-d", HOST)
        rule = (*incoming, "-j", "DNAT", "--to-destination", "127.0.0.1")
        _run(["iptables", "-t", "nat", "-A", "PREROUTING", *rule])
        Path(f"/proc/sys/net/ipv4/conf/{_BRIDGE}/route_localnet").write_text("1")

    def _wait(self) -> None:
        assert self._process
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.docker("info")
            except subprocess.CalledProcessError as error:
                if self._process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                self._log.seek(0)
                words = "\n".join(self._log.read().splitlines()[-10:])
                raise EngineMissing(f"dockerd does not start on this machine:\n{words}") from error
            return

    def docker(self, *arguments: str, stdin: IO[bytes] | None = None) -> str:
        """What a command of Docker's client prints.

        Raises:
            CalledProcessError: it failed.
        """
        return _run(["docker", "--host", self.address, *arguments], stdin)

    def __exit__(self, *_: object) -> None:
        try:
            if self._process:
                if self._process.poll() is None:
                    self._clean()
                self._stop(self._process)
        finally:
            if self._network >= 0:
                os.close(self._network)
            self._log.close()
            shutil.rmtree(self._home, ignore_errors=True)

    def _clean(self) -> None:
        """Remove what only this run needed: its containers, and the images that a newer one has replaced."""
        try:
            if left := self.docker("ps", "--all", "--quiet").split():
                self.docker("rm", "--force", *left)
            self.docker("image", "prune", "--force")
        except subprocess.CalledProcessError as error:
            print(f"Docker could not clean up: {error.stderr}", file=sys.stderr)

    @staticmethod
    def _stop(process: subprocess.Popen[str]) -> None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _check() -> None:
    """See to it that an engine can run here.

    Raises:
        EngineMissing: it cannot.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        raise EngineMissing("A Docker engine is started by root on Linux only.")
    path = _environment()["PATH"]
    if missing := [command for command in _NEEDED if not shutil.which(command, path=path)]:
        raise EngineMissing(
            f"There is no {', '.join(missing)}. On Debian: apt-get install docker.io iproute2"
        )


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_ALSO_IN}"}


def _run(command: Sequence[str], stdin: IO[bytes] | None = None) -> str:
    done = subprocess.run(
        command, env=_environment(), stdin=stdin or subprocess.DEVNULL, capture_output=True, check=True
    )
    return done.stdout.decode()


def _network() -> int:
    """A file descriptor of the network that this thread is in."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def _enter(network: int) -> None:
    _call("setns", network, _NEW_NETWORK)


def _call(function: str, *arguments: int) -> None:
    """Call a function of the C library that Python has only since 3.12."""
    library = ctypes.CDLL(None, use_errno=True)
    if library[function](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")
