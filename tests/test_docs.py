"""The documentation is whole: links lead somewhere, and the generated pages are noticed when they are stale."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

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
