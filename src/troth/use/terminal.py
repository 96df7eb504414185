"""What the commands of this section share: the open office of the folder, and who is meant by PERSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
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
