"""Join the fragments of changelog.d into CHANGELOG.md, or check that they can be joined.

    python scripts/changelog.py --check            every fragment is well named and holds one sentence
    python scripts/changelog.py 0.2.0 2026-12-01   write the section of that version, remove the fragments

A fragment is `changelog.d/NAME.KIND.md`: NAME says the subject in a word or three, KIND is one of KINDS. Exit status 1
where something is wrong; nothing is written then.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "changelog.d"
TARGET = ROOT / "CHANGELOG.md"
KINDS = {"security": "Security", "break": "Breaks", "new": "New", "change": "Changed", "fix": "Mended", "gone": "Gone"}
HEAD = "# What changed\n\nWritten for people who run troth, newest first. Versions follow semver.org.\n"
LONGEST = 400  # characters: a sentence for the user, not a story


def faults(folder: Path) -> list[str]:
    """What keeps the fragments of `folder` from being joined, one line each; empty when all is well."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name == "README.md":
            continue
        where = f"{path.parent.name}/{path.name}"
        named = re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*\.([a-z]+)\.md", path.name)
        if named is None or named.group(2) not in KINDS:
            found.append(f"{where}: name it SUBJECT.KIND.md; KIND is one of {', '.join(KINDS)}.")
            continue
        text = path.read_text(encoding="utf-8").strip()
        if not text or "\n\n" in text or text.startswith(("#", "-", "*")) or not text.endswith("."):
            found.append(f"{where}: one plain sentence that ends with a full stop; no heading, no list.")
        elif len(text) > LONGEST:
            found.append(f"{where}: {len(text)} characters; at most {LONGEST}: say what changes for the user.")
    return found


def section(folder: Path, version: str, day: str) -> str:
    """The Markdown of one version: the fragments by kind in the order of KINDS, by name within a kind."""
    lines = [f"## {version} ({day})", ""]
    for kind, title in KINDS.items():
        texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"*.{kind}.md"))]
        if texts:
            lines += [f"### {title}", "", *(f"- {' '.join(text.split())}" for text in texts), ""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    found = faults(FOLDER)
    for line in found:
        print(line, file=sys.stderr)
    if found or arguments == ["--check"]:
        return 1 if found else 0
    if len(arguments) != 2 or not re.fullmatch(r"\d{4}-\d\d-\d\d", arguments[1]):
        print(__doc__, file=sys.stderr)
        return 2
    older = TARGET.read_text(encoding="utf-8").removeprefix(HEAD).strip() if TARGET.exists() else ""
    parts = [HEAD, section(FOLDER, *arguments), older]
    TARGET.write_text("\n".join(part for part in parts if part).rstrip() + "\n", encoding="utf-8")
    for path in FOLDER.glob("*.*.md"):
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
