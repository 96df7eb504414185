"""How much a plain installation brings: packages and bytes, in a fresh environment of the pinned core."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.ratio import Figure

ROOT = Path(__file__).resolve().parent.parent
MOST_PACKAGES = 50
MOST_BYTES = 200_000_000
COUNT = """
from importlib.metadata import distributions
print(len({one.metadata["Name"].lower() for one in distributions()} - {"pip", "setuptools"}))
"""


def figures() -> Iterator[Figure]:
    """Packages and size as pip installs them, bytecode included; pip itself is not counted."""
    with tempfile.TemporaryDirectory(prefix="troth-install-") as folder:
        home = Path(folder)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        python = str(home / "bin" / "python")
        site = Path(
            subprocess.run(
                [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                check=True,
                capture_output=True,
                text=True,
            ).stdout.strip()
        )
        before = size(site)
        core = str(ROOT / "requirements" / "core.txt")
        uv = [
            sys.executable,
            "-m",
            "uv",
            "--quiet",
            "pip",
            "install",
            "--python",
            python,
            "--compile-bytecode",
            "--link-mode=copy",
        ]
        subprocess.run([*uv, "--require-hashes", "-r", core], check=True)
        # From a copy: a build in the tree would leave build/ there, and the next wheel would take it up.
        tree = home / "tree"
        shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
            shutil.copy(ROOT / name, tree)
        subprocess.run([*uv, "--no-deps", str(tree)], check=True)
        packages = int(subprocess.run([python, "-c", COUNT], check=True, capture_output=True, text=True).stdout)
        held = size(site) - before
    yield Figure("core install, packages", str(packages), f"at most {MOST_PACKAGES}", packages <= MOST_PACKAGES)
    yield Figure("core install, size", f"{held / 1e6:.0f} MB", f"at most {MOST_BYTES / 1e6:.0f} MB", held <= MOST_BYTES)


def size(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
