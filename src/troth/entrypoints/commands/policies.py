"""`troth policy import`, `render` and `schema`: a policy comes in, goes out, and is described for editors."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from troth.errors import TrothError


class RenderFormat(StrEnum):
    """What a policy can be written as."""

    TEXT = "text"
    HTML = "html"
    MD = "md"
    JSONLD = "jsonld"
    PDF = "pdf"


def import_(
    file: Annotated[Path, typer.Argument(help="An existing policy: text, Markdown or HTML.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where to write; else standard output.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,  # noqa: FBT002
) -> None:
    """Make a first policy.yaml of an existing policy. What it guesses is marked as a guess.

    Example: troth policy import privacy.html -o policy.yaml

    Exit status: 0 done, 2 the file could not be read.
    """
    from troth.policy import documents
    from troth.policy.importing.drafting import import_policy

    imported = import_policy(documents.read_bytes(file), file.name)
    if output is None:
        sys.stdout.write(imported.yaml)
    else:
        _write_new(output, imported.yaml.encode(), force=force)
        sys.stderr.write(f"wrote {output.name}\n")
    for note in imported.notes:
        sys.stderr.write(f"note: {note}\n")


def render(
    policy: Annotated[Path | None, typer.Argument(help="The policy file; by default that of troth.toml.")] = None,
    form: Annotated[RenderFormat, typer.Option("--format", help="What to write.")] = RenderFormat.TEXT,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where to write; else standard output.")] = None,
) -> None:
    """Write the policy out. As text, it is the published text word for word.

    Example: troth policy render --format html -o privacy.html

    Exit status: 0 done, 2 the policy could not be read.
    """
    from troth.entrypoints import checking
    from troth.policy import reading
    from troth.policy.rendering import html, jsonld, markdown, pdf, text

    read = reading.read(policy or checking.here().policy_file)
    if form is RenderFormat.TEXT:
        data = text.render_text(read).encode()
    elif form is RenderFormat.MD:
        data = markdown.render_markdown(read).encode()
    elif form is RenderFormat.HTML:
        data = html.render_html(read).encode()
    elif form is RenderFormat.JSONLD:
        data = jsonld.render_jsonld(read).encode()
    else:
        data = pdf.render_pdf(read)
    if output is not None:
        output.write_bytes(data)
    elif form is RenderFormat.PDF and sys.stdout.isatty():
        raise TrothError("a PDF is not for a terminal.", repair="Add `-o policy.pdf`.")
    elif sys.stdout.isatty():
        sys.stdout.write(data.decode())  # what a text could do to a terminal is taken out on the way
    else:
        sys.stdout.buffer.write(data)


def schema() -> None:
    """Print the JSON Schema of policy.yaml, for completion in editors.

    Example: troth policy schema > policy.schema.json

    Exit status: 0.
    """
    from troth.policy.schema import policy_schema

    sys.stdout.write(json.dumps(policy_schema(), ensure_ascii=False, indent=2) + "\n")


def _write_new(path: Path, data: bytes, *, force: bool) -> None:
    if path.exists() and not force:
        raise TrothError(
            "the file exists; nothing was written.", where=path.name, repair="Name another, or add --force."
        )
    path.write_bytes(data)
