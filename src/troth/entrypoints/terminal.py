r"""What a command prints does nothing to the terminal that shows it.

Names of columns, cookies and hosts come from outside, and a policy may come from anybody: a control character in them
could clear the screen, colour a word, retitle the window or turn a line about (ASVS 5.0: 16.4.1). Each is written as
`\u001b`, which in JSON is the same character still. Line ends and tabs are left; bytes that go to a file are not
looked at.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

_ACTS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")


def shown(text: str) -> str:
    """The text with its control characters as letters."""
    return _ACTS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def literal(text: str) -> str:
    """The same for `rich`, which takes nothing in it for markup."""
    from rich.markup import escape

    return escape(shown(text))


class Plain:
    """A stream that writes text as `shown`; `coloured` is the one behind it, for who writes colours of their own."""

    def __init__(self, stream: IO[str]) -> None:
        self.coloured = stream

    def write(self, text: str) -> int:
        """Write `text`, and give its length as it was."""
        self.coloured.write(shown(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.coloured, name)


@contextmanager
def plain() -> Iterator[None]:
    """Both streams of the process as `Plain`, while the block runs."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("Any", Plain(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def coloured() -> IO[str]:
    """Where colours go: standard output itself. What is written there is made `shown` first."""
    return sys.stdout.coloured if isinstance(sys.stdout, Plain) else sys.stdout
