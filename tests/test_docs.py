"""The documentation is whole: links lead somewhere, and the generated pages are noticed when they are stale."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "bench").glob("*.md"),
        *(ROOT / "changelog.d").glob("*.md"),
    ]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """The names that a link into `page` may end with."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for target in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(target)

    assert dead == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        if page.suffix == ".md":
            names = [target.partition("#")[0] for target in LINK.findall(page.read_text()) if ":" not in target]
            waiting.extend((page.parent / name).resolve() for name in names if name)
    lost = {page for page in (ROOT / "docs").rglob("*.md") if page.name != "template.md"} - reached

    assert lost == set()


@pytest.fixture
def generate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "docs_generate", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(
        module, "PAGES", {name: module.PAGES[name] for name in ("errors.md", "words.md", "policy-fields.md")}
    )
    return module


def test_a_page_that_was_never_written_is_noticed(generate: ModuleType) -> None:
    assert generate.main(["--check"]) == 1


def test_a_page_that_was_just_written_is_up_to_date(generate: ModuleType) -> None:
    generate.main([])

    assert generate.main(["--check"]) == 0


def test_a_page_that_was_changed_by_hand_is_noticed(
    generate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate.main([])
    page = tmp_path / "errors.md"
    page.write_text(page.read_text().replace("The decision was no.", "The decision was yes."))

    assert generate.main(["--check"]) == 1
    assert "The decision was no." in capsys.readouterr().err


def test_every_error_has_its_line(generate: ModuleType, tmp_path: Path) -> None:
    from troth import errors

    generate.main([])

    family = [
        one.__name__ for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.TrothError)
    ]
    page = (tmp_path / "errors.md").read_text()
    assert [name for name in family if f"`{name}`" not in page] == []


def parts_of(page: str) -> set[str]:
    """The titles of the parts of a reference page as it stands in the tree, without their marks."""
    return set(re.findall(r"^## `?([^`\n]+)`?$", (ROOT / "docs" / "reference" / page).read_text(), flags=re.MULTILINE))


def test_every_check_has_its_part_with_what_it_proves_and_what_it_does_not() -> None:
    from troth.sections import CHECKS

    text = (ROOT / "docs" / "reference" / "checks.md").read_text()
    parts = dict(
        zip(
            re.findall(r"^## `(.+)`$", text, flags=re.MULTILINE),
            re.split(r"^## ", text, flags=re.MULTILINE)[1:],
            strict=True,
        )
    )

    assert set(parts) == {each.id for each in CHECKS}
    for label in ("What it proves", "What it does not prove", "Repair"):
        assert [name for name, part in parts.items() if f"**{label}:**" not in part] == []


def test_every_lint_rule_has_its_part() -> None:
    from troth.policy.lint import RULES

    assert parts_of("lint.md") == {each.id for each in RULES}


def test_every_command_has_its_part_with_an_example_and_its_statuses() -> None:
    from typer.main import get_command

    from troth.entrypoints import cli, commands

    if not cli.app.registered_commands:
        commands.attach(cli.app)

    def named(command: Any, name: str) -> Iterator[str]:
        below = getattr(command, "commands", {})
        for each in (one for one in below if not below[one].hidden):  # another name of a command has no part of its own
            yield from named(below[each], f"{name} {each}")
        if not below:
            yield name

    text = (ROOT / "docs" / "reference" / "commands.md").read_text()
    parts = {part.split("`", 1)[0]: part for part in text.split("## `")[1:]}
    wanted = set(named(get_command(cli.app), "troth"))

    assert wanted <= set(parts)
    assert [name for name in wanted if not re.search(r"\*\*Example:\*\*.+\n\n\*\*Exit status:\*\*", parts[name])] == []


def test_every_setting_has_its_line() -> None:
    from troth.policy.settings import Settings

    text = (ROOT / "docs" / "reference" / "settings.md").read_text()
    names = [*Settings.model_fields]
    for info in Settings.model_fields.values():
        names += list(getattr(info.annotation, "model_fields", ()))

    assert len(names) > 10
    assert [name for name in names if f"| `{name}` |" not in text] == []


def test_every_error_has_its_line_in_the_tree() -> None:
    from troth import errors

    family = {
        one.__name__ for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.TrothError)
    }

    assert family <= set(re.findall(r"`(\w+)`", (ROOT / "docs" / "reference" / "errors.md").read_text()))


def test_every_way_to_say_whose_a_row_is_can_be_read() -> None:
    from troth.policy import mapreading

    page = (ROOT / "docs" / "how-to" / "write-a-data-map.md").read_text()
    forms = re.findall(r"^\| [^|`]+ \| `(.+)` \|$", page, flags=re.MULTILINE)[1:]
    head = (
        "troth: 1\nstores:\n  shop:\n    connect: ${URL}\n    person:\n      customer: {table: users, key: id, identifiers:"
        " {email: email}}\n    tables:\n      users: {whose: {person: customer}}\n      orders: {whose: user_id}\n"
        "      members: {whose: user_id}\n"
    )

    assert len(forms) == 12
    for form in forms:
        if form == "[tenant_id, user_id]":
            head_ = head.replace("key: id", "key: [tenant, id]").replace("{whose: user_id}", "{personal: no}")
        else:
            head_ = head
        if "folders" in form:  # the table itself
            form = form.replace("folders", "things")  # noqa: PLW2901 - the page calls it by a better name
        whole = f"      things: {{whose: {form}{', delete: with-last' if 'recipient' in form else ''}}}\n"
        things = mapreading.parse((head_ + whole).encode()).stores["shop"].tables["things"]
        assert things.whose is not None or set(things.roles) == {"sender", "recipient"}


def test_the_blocks_of_the_data_map_page_are_what_a_map_may_say() -> None:
    from troth.policy import mapreading

    blocks = re.findall(
        r"(?:^    .+\n)+", (ROOT / "docs" / "how-to" / "write-a-data-map.md").read_text(), flags=re.MULTILINE
    )
    columns, times, end = ("".join(f"    {line}\n" for line in block.splitlines()) for block in blocks)
    columns = "".join(f"      {line[2:]}\n" for line in columns.splitlines())
    text = (
        "troth: 1\nstores:\n  shop:\n    connect: ${URL}\n    person:\n      customer: {table: users, key: id}\n    tables:\n"
        "      users: {whose: {person: customer}, columns: {email: contact.email}}\n"
        f"      things:\n        whose: user_id\n        columns:\n{columns}{times}"
        f"      orders:\n        whose: user_id\n{end}"
    )

    tables = mapreading.parse(text.encode()).stores["shop"].tables

    assert len(tables["things"].columns) == 6
    assert tables["things"].starts == {"order": "placed_at"}
    assert tables["orders"].on_erasure is not None


def test_the_kinds_of_people_of_the_data_map_page_are_what_a_map_may_say() -> None:
    from troth.policy import mapreading

    page = (ROOT / "docs" / "how-to" / "write-a-data-map.md").read_text()
    [block] = re.findall(r"```yaml\n(person:.*?)```", page, flags=re.DOTALL)
    people = "".join(f"    {line}\n" for line in block.splitlines())
    tables = "customers: {whose: {person: customer}}, staff: {whose: {person: employee}}"
    read = mapreading.parse(
        f"troth: 1\nstores:\n  shop:\n    connect: ${{URL}}\n{people}    tables: {{{tables}}}\n".encode()
    )

    assert list(read.people()) == ["shop.customer", "shop.employee"]


def test_the_glossary_has_each_word_once_and_in_order() -> None:
    words = [line.split("|")[1].strip() for line in (ROOT / "docs" / "glossary.md").read_text().splitlines()[4:]]

    assert len(set(words)) == len(words)
    assert words == sorted(words)


def test_the_glossary_has_the_words_of_every_output() -> None:
    from troth.foundation.proof import Grade, Verdict

    words = {line.split("|")[1].strip() for line in (ROOT / "docs" / "glossary.md").read_text().splitlines()[4:]}
    told = {part.strip() for word in words for part in word.split(",")}

    assert {each.value for each in (*Verdict, *Grade)} <= told
