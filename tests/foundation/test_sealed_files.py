"""What is sealed opens whole or not at all, for the right key and place only."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.errors import KeyUnavailable
from troth.foundation.sealed_files import MAGIC, SealedSpool, SealedWriter, new_key, unsealed

CHUNK = 65_536
HEAD = len(MAGIC) + 7


def sealed(content: bytes, key: bytes, context: bytes = b"here", pieces: int = 1000) -> bytes:
    into = io.BytesIO()
    writer = SealedWriter(into, key, context=context)
    for start in range(0, len(content), pieces):
        writer.write(content[start : start + pieces])
    writer.finish()
    assert writer.size == len(content)
    return into.getvalue()


def opened(data: bytes, key: bytes, context: bytes = b"here") -> bytes:
    return b"".join(unsealed(io.BytesIO(data), key, context=context))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17])
@pytest.mark.parametrize("pieces", [7_001, CHUNK, 5 * CHUNK])
def test_content_of_every_size_comes_back_however_it_was_written(size: int, pieces: int) -> None:
    key, content = new_key(), os.urandom(size)

    assert opened(sealed(content, key, pieces=pieces), key) == content


def test_nothing_of_the_content_stands_in_the_file() -> None:
    content = b"needle-7f3a " * 20_000

    assert b"needle" not in sealed(content, new_key())


def test_another_key_and_another_place_open_nothing() -> None:
    key = new_key()
    data = sealed(b"content", key)

    for other_key, context in ((new_key(), b"here"), (key, b"elsewhere")):
        with pytest.raises(KeyUnavailable):
            opened(data, other_key, context)


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_each_flipped_bit_is_found(place: float, bit: int) -> None:
    key = b"k" * 32
    data = bytearray(sealed(bytes(range(256)) * 600, key))
    data[int(place * len(data))] ^= 1 << bit

    with pytest.raises(KeyUnavailable):
        opened(bytes(data), key)


def test_chunks_left_out_swapped_repeated_and_cut_off_are_found() -> None:
    key = new_key()
    data = sealed(os.urandom(3 * CHUNK + 5), key)
    whole = CHUNK + 16
    head, one, two, three, last = (
        data[:HEAD], data[HEAD : HEAD + whole], data[HEAD + whole : HEAD + 2 * whole],
        data[HEAD + 2 * whole : HEAD + 3 * whole], data[HEAD + 3 * whole :],
    )  # fmt: skip
    assert opened(head + one + two + three + last, key)

    for wrong in (
        head + one + three + last,
        head + two + one + three + last,
        head + one + one + two + three + last,
        head + one + two + three,
        head + one,
        head,
        data[:-1],
        data + b"x",
        b"",
    ):
        with pytest.raises(KeyUnavailable):
            opened(wrong, key)


def test_a_file_that_was_not_finished_does_not_open() -> None:
    into, key = io.BytesIO(), new_key()
    SealedWriter(into, key, context=b"here").write(os.urandom(3 * CHUNK))

    with pytest.raises(KeyUnavailable):
        opened(into.getvalue(), key)


def test_two_files_of_the_same_content_differ() -> None:
    key = new_key()

    assert sealed(b"same", key) != sealed(b"same", key)


def test_a_spool_gives_back_what_was_written_and_leaves_no_name(tmp_path: Path) -> None:
    spool = SealedSpool.beside(str(tmp_path))
    content = os.urandom(200_000)
    for start in range(0, len(content), 9_999):
        spool.write(content[start : start + 9_999])

    assert list(tmp_path.iterdir()) == []
    assert b"".join(spool.read()) == content
    spool.close()
