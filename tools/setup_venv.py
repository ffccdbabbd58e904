"""Script that installs the pinned packages into the virtual environment .venv. If necessary, it creates .venv.

`make setup` runs this file with the machine's `python3`, which may be an old Python. So this file uses only syntax
that old versions of Python support.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
REQUIREMENTS = os.path.join(ROOT, "requirements", "dev.txt")
STAMP = os.path.join(VENV, "requirements.sha256")
OLDEST, NEWEST = 11, 14


def main():
    if not (3, OLDEST) <= sys.version_info[:2] <= (3, NEWEST):
        use_another_python()
    with open(REQUIREMENTS, "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    if os.path.exists(STAMP):
        with open(STAMP) as file:
            if file.read() == wanted and subprocess.call([python_of_venv(), "-c", ""]) == 0:
                return
    sys.stdout.write("Installing the pinned packages into .venv (about a minute, once).\n")
    sys.stdout.flush()
    if not can_make_venv(python_of_venv()):
        shutil.rmtree(VENV, ignore_errors=True)
        make_venv()
    install_packages()
    with open(STAMP, "w") as file:
        file.write(wanted)


def use_another_python():
    """Run this file with a supported Python. Exit with a message if the machine has no supported Python."""
    for minor in range(NEWEST, OLDEST - 1, -1):
        other = find_interpreter("python3.%d" % minor)
        if other and can_make_venv(other):
            sys.exit(subprocess.call([other] + sys.argv))
    sys.exit(
        "This is Python %d.%d, and no Python 3.%d to 3.%d was found.\n"
        "Install Python 3.13 (your system's package, or `uv python install 3.13`), then `make setup PYTHON=python3.13`."
        % (sys.version_info[0], sys.version_info[1], OLDEST, NEWEST)
    )


def find_interpreter(command):
    """Return the path of an interpreter. Return None if no folder of `PATH` contains the interpreter."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, command)
        if os.access(path, os.X_OK):
            return path
    return None


def can_make_venv(python):
    """Return whether the interpreter starts and can create virtual environments."""
    try:
        return subprocess.call([python, "-c", "import venv, ensurepip"], stderr=subprocess.PIPE) == 0
    except OSError:
        return False


def python_of_venv():
    return os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")


def make_venv():
    if subprocess.call([sys.executable, "-m", "venv", VENV]) != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(
            "Python cannot create a virtual environment. On Debian and Ubuntu, run "
            "`apt-get install python%d.%d-venv`, then try again." % sys.version_info[:2]
        )


def install_packages():
    # --no-deps: dev.txt already lists all dependencies. Without this option, pip refuses dependencies with
    # an extra, such as boto3[crt], because the requirements have hashes.
    command = [python_of_venv(), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--requirement", REQUIREMENTS]
    if subprocess.call(command) != 0:
        sys.exit("pip could not install requirements/dev.txt. Fix the cause above, then run `make setup` again.")


if __name__ == "__main__":
    main()
