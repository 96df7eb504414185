"""Write the reference pages from what the code declares, or check that they are up to date.

    python docs/generate.py            write docs/reference/*.md
    python docs/generate.py --check    write nothing; exit status 1 where a page differs from the code

Each page has one source: checks from `troth.sections.CHECKS`, lint rules from their registry, commands from the
command line itself, settings and policy fields from their models, errors and words from their classes. The docstring
of a check or rule is its page, so a page can't be forgotten when a check is written.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

WRITTEN = {
    "str": "text",
    "bool": "yes or no",
    "int": "whole number",
    "float": "number",
    "Duration": "period, such as `13 months`",
}
FOLDER = Path(__file__).resolve().parent / "reference"
MARK = "<!-- Written by docs/generate.py from the code. Change the code, then run `make docs`. -->"


class NotThereYet(Exception):
    """The module that a page is made from does not exist in this tree."""


def source(module: str, name: str) -> Any:
    """The object `name` of `module`; raises NotThereYet where the module or the name is missing."""
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as gap:
        if gap.name is not None and (module == gap.name or module.startswith(gap.name + ".")):
            raise NotThereYet(module) from None
        raise
    if not hasattr(found, name):
        raise NotThereYet(f"{module}.{name}")
    return getattr(found, name)


# --- pages ----------------------------------------------------------------------------------------------------


def checks_page() -> Iterator[str]:
    """One part for each check, in the order of the sections."""
    yield "# Checks"
    yield (
        "`troth check` looks at the running systems with these. A check observes from outside and never asks the code"
        " that does the keeping. *kept* needs an observation younger than the age given; nothing seen is *unproven*."
    )
    for each in source("troth.sections", "CHECKS"):
        yield f"## `{each.id}`"
        yield f"{sentence(each.promise)}"
        yield table(
            ("Reference", "Grade", "Evidence holds for"), [(each.reference, each.grade.value, span(each.max_age))]
        )
        yield page_of(each.look)


def lint_page() -> Iterator[str]:
    """One part for each lint rule, by id."""
    source("troth.policy.lint", "lint")  # the package registers its rules when it is loaded
    rules = source("troth.policy.lint.registry", "REGISTRY")
    yield "# Lint rules"
    yield (
        "`troth lint` reads the published words against the law and against themselves. Rules about duties to inform"
        " judge the words only; model rules judge the meaning beside them."
    )
    for _, rule in sorted(rules.items()):
        yield f"## `{rule.id}`"
        yield sentence(rule.title)
        facts = [(word, getattr(rule, word.lower())) for word in ("Level", "Reference", "Laws", "Fault")]
        facts = [(word, listed(value)) for word, value in facts if value]
        yield table(tuple(word for word, _ in facts), [tuple(value for _, value in facts)])
        yield page_of(rule.find)


def commands_page() -> Iterator[str]:
    """One part for each command, as `--help` has it."""
    from typer.main import get_command

    app = source("troth.entrypoints.cli", "app")
    if not app.registered_commands:  # not when two pages are made in one process
        source("troth.entrypoints.commands", "attach")(app)
    root = get_command(app)
    yield "# Commands"
    yield "`PERSON` is `email=...`, `phone=...`, `id=...`, `key=...`, or `-` to read one such line from standard input."
    yield from command_parts(root, "troth")


def command_parts(command: Any, name: str) -> Iterator[str]:
    if name != "troth" and not getattr(command, "hidden", False):
        yield f"## `{name}`"
        yield paragraphs(inspect.cleandoc(command.help or "").replace("\b\n", "").replace("\f", ""))
        rows = []
        for one in command.params:
            if getattr(one, "hidden", False):
                continue
            if one.param_type_name == "argument":
                rows.append((f"`{(one.metavar or one.name or '').upper()}`", getattr(one, "help", None) or ""))
            else:
                rows.append((f"`{', '.join([*one.opts, *one.secondary_opts])}`", one.help or ""))
        if rows:
            yield table(("Argument or option", "Meaning"), rows)
    for below, each in sorted(getattr(command, "commands", {}).items()):
        yield from command_parts(each, f"{name} {below}")


def settings_page() -> Iterator[str]:
    """The settings of troth.toml, one table for each part."""
    yield "# Settings"
    yield "`troth.toml`. Secrets never stand in the file: `${NAME}` reads the environment."
    yield from record_parts([source("troth.policy.settings", "Settings")])


def fields_page() -> Iterator[str]:
    """What may stand in policy.yaml beside a sentence."""
    records = [source("troth.policy.model", name) for name in ("Controller", "Meaning")]
    yield "# Policy fields"
    yield (
        "What `policy.yaml` may say beside a sentence. Every field of *Meaning* is optional; a sentence without any is"
        " *unproven*."
    )
    yield from record_parts(records)


def errors_page() -> Iterator[str]:
    """The family of errors, as drawn in the head of errors.py, and each with its meaning."""
    root = source("troth.errors", "TrothError")
    yield "# Errors"
    yield "One family. A message says what is wrong, where, what to do; it never holds personal data."
    yield table(
        ("Error", "Means"), [("  " * depth + f"`{one.__name__}`", first_line(one)) for one, depth in family(root)]
    )


def words_page() -> Iterator[str]:
    """The closed words that policy.yaml and datamap.yaml use."""
    module = "troth.policy.vocabulary"
    yield "# Words"
    yield "The closed lists. A word that is not here is an error, with the nearest one named."
    for name, one in inspect.getmembers(importlib.import_module(module), inspect.isclass):
        if issubclass(one, enum.Enum) and one.__module__ == module:
            yield f"## {name}"
            yield page_of(one)
            yield ", ".join(f"`{member.value}`" for member in one)
    for title, name in (("Data categories", "CATEGORIES"), ("Purposes", "PURPOSES")):
        yield f"## {title}"
        words = source(module, name).values()
        yield table(("Word", "Means", "DPV", "fideslang"), [(f"`{w.id}`", w.label, w.iri, w.fides) for w in words])


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "checks.md": checks_page,
    "lint.md": lint_page,
    "commands.md": commands_page,
    "settings.md": settings_page,
    "policy-fields.md": fields_page,
    "errors.md": errors_page,
    "words.md": words_page,
}

# --- words ----------------------------------------------------------------------------------------------------


def sentence(text: str) -> str:
    """`text` with a capital at the front and a full stop at the end."""
    text = " ".join(text.split())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n", 1)[0]


def page_of(thing: Any) -> str:
    """The docstring of `thing` as Markdown."""
    return paragraphs(inspect.cleandoc(getattr(thing, "__doc__", None) or ""))


def paragraphs(text: str) -> str:
    """`text` with each line that begins with a label ("Repair: ...") as a paragraph of its own, the label bold."""
    text = re.sub(r"^([A-Z][a-z]+(?: [a-z]+){0,4}):(?=\s|$)", r"\n**\1:**", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; line breaks and bars inside a cell are made harmless."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        # A leading space in a cell is eaten by Markdown: indent by no-break spaces.
        cells = [re.sub(r"^ +", lambda m: "\u00a0" * len(m[0]), cell) for cell in row]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)


def listed(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(listed(one) for one in (value if isinstance(value, (list, tuple)) else sorted(value)))
    return str(value)


def span(time: Any) -> str:
    """A timedelta in the largest unit that divides it."""
    seconds = int(time.total_seconds())
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return str(time)


def family(root: type, depth: int = 0) -> Iterator[tuple[type, int]]:
    """`root` and all below it in the order they are defined, each with its depth."""
    yield root, depth
    below: type
    for below in root.__subclasses__():
        if below.__module__.startswith("troth.errors"):
            yield from family(below, depth + 1)


def record_parts(records: Iterable[type]) -> Iterator[str]:
    """A part for each record, and for each record that its fields hold."""
    waiting = list(records)
    seen: set[type] = set()
    while waiting:
        one = waiting.pop(0)
        if one in seen:
            continue
        seen.add(one)
        yield f"## {one.__name__}"
        yield page_of(one)
        rows = []
        for name, hint, default, meaning in fields_of(one):
            rows.append((f"`{name}`", spelled(hint), default, meaning))
            waiting.extend(records_in(hint))
        told = any(meaning for *_, meaning in rows)
        head = ("Field", "Holds", "Default", "Meaning") if told else ("Field", "Holds", "Default")
        yield table(head, [row[: len(head)] for row in rows])


def fields_of(one: Any) -> Iterator[tuple[str, Any, str, str]]:
    """(name, type, default as shown, meaning) of each field of a pydantic model or a dataclass."""
    hints = get_type_hints(one)
    if is_model(one):
        for name, info in one.model_fields.items():
            default = "required" if info.is_required() else shown(info.get_default(call_default_factory=True))
            yield info.alias or name, hints[name], default, info.description or ""
        return
    for each in dataclasses.fields(one):
        if each.default is not dataclasses.MISSING:
            default = shown(each.default)
        elif each.default_factory is not dataclasses.MISSING:
            default = shown(each.default_factory())
        else:
            default = "required"
        yield each.name, hints[each.name], default, str(each.metadata.get("meaning", ""))


def shown(default: Any) -> str:
    if default is None or default in ((), {}, []):
        return ""
    if is_record(type(default)):
        return "see below"
    return f"`{str(default).lower() if isinstance(default, bool) else listed(default)}`"


def is_model(one: Any) -> bool:
    return isinstance(one, type) and hasattr(one, "model_fields")


def is_record(one: Any) -> bool:
    """Whether `one` is a record with a part of its own; a period is written as one word, so it is none."""
    return isinstance(one, type) and (is_model(one) or dataclasses.is_dataclass(one)) and one.__name__ not in WRITTEN


def records_in(hint: Any) -> Iterator[type]:
    """The records that a type annotation mentions, at any depth."""
    if is_record(hint):
        yield hint
    for below in get_args(hint):
        yield from records_in(below)


def spelled(hint: Any) -> str:
    """A type annotation in the words of somebody who writes the file."""
    origin, held = get_origin(hint), get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in held)
    if origin in (Union, UnionType):
        return " or ".join(spelled(one) for one in held if one is not type(None))
    if origin in (tuple, list, set, frozenset):
        return f"list of {spelled(held[0])}"
    if origin in (dict, Mapping):
        return f"name: {spelled(held[1])}"
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return f"[{hint.__name__}](words.md#{hint.__name__.lower()})"
    if is_record(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    name = hint.__name__ if isinstance(hint, type) else str(hint)
    return WRITTEN.get(name, name)


# --- writing --------------------------------------------------------------------------------------------------


def rendered(page: Callable[[], Iterator[str]]) -> str:
    head, *rest = [part for part in page() if part]
    return "\n\n".join([head, MARK, *rest]).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    checking = arguments == ["--check"]
    if arguments and not checking:
        print(__doc__, file=sys.stderr)
        return 2
    stale = False
    for name, page in PAGES.items():
        path = FOLDER / name
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        try:
            after = rendered(page)
        except NotThereYet as gap:
            print(f"docs: no docs/reference/{name}: {gap} does not exist", file=sys.stderr)
            stale = stale or bool(before)
            continue
        except ImportError as fault:
            print(f"docs: docs/reference/{name} can't be made: {fault}", file=sys.stderr)
            stale = True
            continue
        if after != before:
            stale = True
            if checking:
                change = difflib.unified_diff(
                    before.split("\n"), after.split("\n"), "as it stands", "as the code says", lineterm="", n=0
                )
                print(f"docs/reference/{name} is not what the code says; run `make docs`:", file=sys.stderr)
                print("\n".join(list(change)[2:12]), file=sys.stderr)
            else:
                path.write_text(after, encoding="utf-8")
    return 1 if checking and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
