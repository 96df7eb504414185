"""Where the key of an instance comes from: a variable, a command of the company's vault, or a file.

1. `TROTH_KEY`, where it is set.
2. `[key] command` in troth.toml: a program without a shell that prints the key, as `git credential` helpers do. It gets
   no argument of ours and no input; what it says beside the key is shown to nobody, since it may hold the key.
3. `troth.key` in the folder, which nobody else may read.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from troth.errors import KeyUnavailable

FILE: Final = "troth.key"
VARIABLE: Final = "TROTH_KEY"
SETTING: Final = "[key] command in troth.toml"
PATIENCE_S: Final = 30.0
"""Seconds that a command has for it."""

_SETTINGS = "troth.toml"
_LONGEST = 4000


def read_text(folder: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """The key as it is written, and where from. Only for what puts it elsewhere. Raises: as `Keyring.load`."""
    if environ.get(VARIABLE):
        return environ[VARIABLE], VARIABLE
    command = command_of(folder)
    if command:
        return _printed(command, folder, environ), SETTING
    return _in_file(folder / FILE)


def source_of(folder: Path, environ: Mapping[str, str]) -> str | None:
    """What the key would be read from: the variable, the setting or the file; None where there is none of them."""
    if environ.get(VARIABLE):
        return VARIABLE
    return SETTING if command_of(folder) else FILE if (folder / FILE).exists() else None


def command_of(folder: Path) -> tuple[str, ...]:
    """The command that the settings name; none where they name none, or are not to be read (others say why)."""
    import tomllib

    try:
        said: Any = tomllib.loads((folder / _SETTINGS).read_text("utf-8"))
    except (OSError, ValueError):
        return ()
    key = said.get("key")
    command = key.get("command", ()) if isinstance(key, dict) else ()
    if not isinstance(command, list) or not all(isinstance(part, str) for part in command):
        return ()
    if any("${" in part for part in command):
        raise KeyUnavailable(
            "an argument would carry a value of the environment, and others can see arguments",
            where=SETTING,
            repair="Let the command read it from its environment.",
        )
    return tuple(command)


def _printed(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - what the operator's own settings name, without a shell
            command,
            cwd=folder,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise KeyUnavailable(f"the command printed no key within {PATIENCE_S:.0f} s", where=SETTING) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it cannot be run"
        raise KeyUnavailable(f"the command cannot be run: {reason}", where=SETTING) from None
    if done.returncode:
        raise KeyUnavailable(
            f"the command ended with exit status {done.returncode}",
            where=SETTING,
            repair="Run it by hand; what it says is not shown here, since it may hold the key.",
        )
    return done.stdout[:_LONGEST].decode("ascii", "replace")


def _in_file(path: Path) -> tuple[str, str]:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise KeyUnavailable(
                    f"others may use the key file (mode {mode:04o})", where=str(path), repair=f"chmod 600 {path}"
                )
            text = file.read(_LONGEST).decode("ascii", "replace")
    except FileNotFoundError:
        raise KeyUnavailable(
            "there is no key",
            where=str(path),
            repair=f"Set {VARIABLE}, put the file back from escrow, or run `troth init` for a new store.",
        ) from None
    except OSError as error:
        raise KeyUnavailable(f"the key file cannot be read: {error.strerror}", where=str(path)) from None
    return text, str(path)
