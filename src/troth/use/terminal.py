"""What the commands of this section share: the open office of the folder, who PERSON is, what a guess wants."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from troth.errors import PersonError

if TYPE_CHECKING:
    from troth.policy.settings import Instance
    from troth.use.office import Office

LONGEST_LINE = 1_000


@contextmanager
def opened() -> Iterator[tuple[Instance, Office]]:
    """The instance of this folder and its office, closed at the end. Raises the errors of `opening.open_office`."""
    from troth.use.opening import open_office

    instance, office = open_office()
    try:
        yield instance, office
    finally:
        office.store.close()


def named_person(text: str) -> str:
    """PERSON, read from standard input for `-`. Raises: PersonError, before anything is opened."""
    from troth.foundation import people

    line = sys.stdin.readline(LONGEST_LINE).strip() if text == "-" else text
    if not line:
        raise PersonError("standard input named nobody", expected="one line: email=..., phone=..., id=... or key=...")
    people.parse(line)
    return line


def unsettled(office: Office, purpose: str, categories: Iterable[str]) -> str:
    """Where policy.yaml names no ground that anybody answers for, and what to do there; nothing where it does."""
    wanted = set(categories)
    use = next((u for u in office.compiled.purposes[purpose] if u.category in wanted and not u.settled), None)
    if use is None:
        return ""
    place = f"{office.policy.file}:{use.line}"
    if use.basis is None:
        return f"{place}: no legal ground is named for {purpose}. Add `basis:` there."
    return f"{place}: its meaning was guessed, and a guess permits nothing. Read it, then take `guess: true` out."
