"""Image in which functions run: Lambda's own image, or an equivalent image built from files of this machine.

The equivalent image has a shell, three commands, CPython and their libraries from this machine. PyPI provides the rest
of Lambda's runtime: the runtime interface client and boto3, pinned by hash. The image does not contain the system
libraries of Amazon Linux, such as glibc. The SAM CLI adds the emulator of Lambda's runtime API to each image.
"""

import hashlib
import platform
import runpy
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from samcli.local.docker.lambda_image import LambdaImage, Runtime

from tests.support.docker_engine import DockerEngine, EngineMissing

PYTHON = "3.13"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "")
INTERPRETER = f"/var/lang/bin/python{PYTHON}"

_PULL_SECONDS = 180

_ROOT = Path(__file__).parents[2]
_IMAGE = "sessions-lambda-python"
_REQUIREMENTS = _ROOT / "requirements" / "lambda_image.txt"
_LAYER_BUILD = runpy.run_path(str(_ROOT / "layers" / "scheduling" / "build.py"))
_PROGRAMS = ("sh", "mv", "chmod", "cp")  # the SAM CLI runs these programs to add the emulator and the layers
_PROMISED = ("libdl.so.2", "libgcc_s.so.1", "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libutil.so.1")
"""Libraries that a wheel may need (PEP 600), although the programs of the image do not need these libraries."""
_UNNEEDED_FILES = shutil.ignore_patterns(
    *("site-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "__pycache__"),
    *("config-*", "_tkinter*", "*.a"),
)
_BOOTSTRAP = f"""#!/bin/sh
export PYTHONPATH=/var/task:/opt/python:/var/runtime
exec {INTERPRETER} -m awslambdaric "$_HANDLER"
"""
_SETTINGS = (
    *("ENV PATH=/var/lang/bin:/usr/bin:/bin LANG=C.UTF-8 TZ=:UTC LAMBDA_TASK_ROOT=/var/task",),
    *("ENV LD_LIBRARY_PATH=/var/lang/lib:/opt/lib",),
    *("ENV LAMBDA_RUNTIME_DIR=/var/runtime", "WORKDIR /var/task"),
)


def prepare(engine: DockerEngine) -> str:
    """Pull or build the image, and return its name.

    Raises:
        EngineMissing: the image can be neither pulled nor built.
    """
    if not ARCHITECTURE:
        raise EngineMissing(f"Lambda has no processors of the type {platform.machine()}.")
    name = Runtime.get_image_name_tag(f"python{PYTHON}", ARCHITECTURE)
    name = f"{LambdaImage._INVOKE_REPO_PREFIX}/{name}"
    try:
        if not engine.docker("image", "ls", "--quiet", name):
            engine.docker("pull", "--quiet", name, seconds=_PULL_SECONDS)
    except subprocess.SubprocessError:
        return _build_image(engine, f"The engine cannot pull {name}.")
    return name


def _build_image(engine: DockerEngine, because: str) -> str:
    python = _LAYER_BUILD["find_interpreter"](PYTHON) if sys.platform == "linux" else None
    if not python:
        raise EngineMissing(
            f"{because} An equivalent image can be built only on Linux, and needs Python {PYTHON}."
        )
    made_of = hashlib.sha256(Path(__file__).read_bytes() + _REQUIREMENTS.read_bytes())
    made_of.update(_run(python, "-c", "import sys; print(sys.executable, sys.version)").encode())
    name = f"{_IMAGE}:{PYTHON}-{ARCHITECTURE}-{made_of.hexdigest()[:12]}"
    if not engine.docker("image", "ls", "--quiet", name):
        with tempfile.TemporaryDirectory() as folder:
            root, archive = Path(folder, "root"), Path(folder, "root.tar")
            _fill_root(root, python)
            with tarfile.open(archive, "w") as tar:
                tar.add(root, arcname=".", filter=_set_owner_to_root)
            changes = [option for setting in _SETTINGS for option in ("--change", setting)]
            former = engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", _IMAGE).split()
            engine.docker("import", *changes, str(archive), name)
            if former:
                engine.docker("image", "rm", "--force", *former)
    return name


def _fill_root(root: Path, python: str) -> None:
    for folder in ("tmp", "var/task", "var/runtime", "opt", "usr/bin", "usr/lib"):
        (root / folder).mkdir(parents=True)
    for link in ("bin", "lib", "lib64"):
        (root / link).symlink_to("usr/bin" if link == "bin" else "usr/lib")
    lang = root / "var" / "lang"
    home = Path(_run(python, "-c", "import sys; print(sys.base_prefix)"))
    shutil.copytree(
        home / "lib" / f"python{PYTHON}", lang / "lib" / f"python{PYTHON}", ignore=_UNNEEDED_FILES
    )
    (lang / "bin").mkdir()
    shutil.copy(Path(python).resolve(), lang / "bin" / f"python{PYTHON}")
    programs = [
        Path(shutil.copy(_find_program(program), root / "usr" / "bin" / program)) for program in _PROGRAMS
    ]
    runtime = root / "var" / "runtime"
    _install_packages(runtime)
    modules = [*lang.rglob("*.so"), *runtime.rglob("*.so")]
    _copy_libraries(root, [Path(python).resolve(), *programs, *modules], home)
    bootstrap = runtime / "bootstrap"
    bootstrap.write_text(_BOOTSTRAP)
    bootstrap.chmod(0o755)
    # Compile the standard library in advance, as Lambda's image does.
    _run(python, "-m", "compileall", "-q", "-s", str(root), "-p", "/", str(lang), str(runtime))


def _copy_libraries(root: Path, programs: Iterable[Path], home: Path) -> None:
    """Copy libraries in `home` to the interpreter's `lib`, and all other libraries to the same paths in the image."""
    needed = {word for program in programs for word in _run("ldd", str(program)).split() if word[0] == "/"}
    system = Path(next(library for library in needed if library.endswith("/libc.so.6"))).parent
    needed |= {str(system / library) for library in _PROMISED}
    for library in sorted(needed):
        if library.startswith(str(home)):
            shutil.copy(library, root / "var" / "lang" / "lib")
            continue
        path = root / library.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, path)


def _install_packages(packages: Path) -> None:
    machine = platform.machine()
    platforms = [f"--platform={name}_{machine}" for name in _LAYER_BUILD["WHEEL_PLATFORMS"]]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"]
    command += [*platforms, "--implementation=cp", f"--python-version={PYTHON}"]
    _run(*command, "--target", str(packages), "--requirement", str(_REQUIREMENTS))


def _set_owner_to_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    return entry


def _find_program(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise EngineMissing(f"The program {program} is missing.")
    return path


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
