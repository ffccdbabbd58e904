"""Copy of the project, like a fresh clone in another folder."""

import shutil
from pathlib import Path

from tests.support.template import ROOT

_NOT_CLONED = shutil.ignore_patterns(
    *(
        ".venv",
        ".git",
        ".local",
        ".aws-sam",
        "node_modules",
        ".*_cache",
        ".hypothesis",
        ".coverage*",
        "__pycache__",
    )
)


def copy_project(folder: Path) -> Path:
    """Copy the project into a new folder, without `.git`, installed packages, caches, build results and `.local`."""
    shutil.copytree(ROOT, folder, ignore=_NOT_CLONED)
    return folder


def share_packages(folder: Path) -> None:
    """Link the installed packages into the copy, so that nothing is downloaded twice."""
    (folder / ".venv").symlink_to(ROOT / ".venv")
    shared = ROOT / ".aws-sam" / "dependencies"
    shared.mkdir(parents=True, exist_ok=True)  # a fresh checkout has no such folder
    (folder / ".aws-sam").mkdir()
    (folder / ".aws-sam" / "dependencies").symlink_to(shared)
