"""The command line. Results go to standard output, talk to standard error; one fault is one line, never a traceback.

Exit statuses: 0 done, 1 the answer is no (a fault, a broken sentence, drift, a refusal), 2 it could not be done.
Commands import what they need when they run, so that `troth --help` stays quick.
"""

from __future__ import annotations

import atexit
import gc
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from troth.errors import TrothError, kind_and_place


class Commands(typer.core.TyperGroup):
    """A list of commands with the first sentence of each, whole: what does not fit on the line goes on below it."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        named = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, _first_sentence(one)) for name, one in named if one is not None and not one.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def _first_sentence(command: Any) -> str:
    paragraph = " ".join((command.help or "").strip().split("\n\n")[0].split())
    return re.split(r"(?<!Art)\.(?= )", paragraph)[0].removesuffix(".")


app = typer.Typer(
    name="troth",
    cls=Commands,
    help="A privacy policy that keeps its word: publish it, carry it out, prove every sentence.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_NEW_OBJECTS = 20_000
"""So many more than before, and what nothing refers to is looked for: modules that are loading leave hardly any."""


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer's callback form
    if asked:
        from importlib.metadata import version

        typer.echo(f"troth {version('troth')}")
        raise typer.Exit


@app.callback()
def _start(
    folder: Annotated[
        Path, typer.Option("-C", "--folder", help="The folder of troth.toml.", show_default=False)
    ] = Path(),
    version: Annotated[  # noqa: ARG001, FBT002 - acts by its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    if folder != Path():
        if not folder.is_dir():
            raise TrothError("there is no such folder.", where=str(folder), repair="Name the folder of troth.toml.")
        os.chdir(folder)


def main() -> None:
    """Run one command; every error ends in one message and a status."""
    # plugins of other packages would see everything that is validated; looking for them takes time besides
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)  # what the process leaves behind goes with it; nobody need look through it first
    from troth.entrypoints import commands, terminal

    commands.attach(app)
    _keep_only(_asked_for(sys.argv[1:]))
    with terminal.plain():
        _run()


def _run() -> None:
    try:
        app()
    except TrothError as problem:
        sys.stderr.write(f"troth: {problem.diagnostics()}\n")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        sys.stderr.write("troth: stopped.\n")
        raise SystemExit(130) from None
    except BrokenPipeError:
        # whoever read us has gone; nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(2) from None
    except Exception as problem:
        if os.environ.get("TROTH_DEBUG"):
            raise
        sys.stderr.write(f"troth: a fault of troth itself ({kind_and_place(problem)}).\n")
        sys.stderr.write("  Set TROTH_DEBUG=1 to see all of it, and please report it.\n")
        raise SystemExit(2) from None


def _asked_for(words: list[str]) -> str | None:
    """The command that is asked for by name; None where the words begin with none."""
    waiting = iter(words)
    for word in waiting:
        if word in {"-C", "--folder"}:
            next(waiting, None)
        elif not word.startswith("-"):
            return word
    return None


def _keep_only(name: str | None) -> None:
    """Leave out every other command, so that its options are not worked out. An unknown name leaves all to choose from.

    What a command inside a group is called is not looked at: the group is kept whole.
    """
    for group in app.registered_groups:
        assert group.typer_instance is not None  # INVARIANT: each was hung on as one
        group.typer_instance.info.cls = Commands
    kept = [one for one in app.registered_commands if one.name == name][-1:]
    groups = [one for one in app.registered_groups if one.name == name][-1:]
    if kept or groups:
        app.registered_commands, app.registered_groups = kept, groups


if __name__ == "__main__":
    main()
