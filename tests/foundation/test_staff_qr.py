"""A QR code is what the standard says: read back by a reader that shares nothing with the writer but the standard."""

from __future__ import annotations

import hashlib
import random
import xml.etree.ElementTree as ET

import pytest

from troth.foundation.factors import codes, qr

RULES = (
    "(r + c) % 2",
    "r % 2",
    "c % 3",
    "(r + c) % 3",
    "(r // 2 + c // 3) % 2",
    "(r * c) % 2 + (r * c) % 3",
    "((r * c) % 2 + (r * c) % 3) % 2",
    "((r + c) % 2 + (r * c) % 3) % 2",
)
# (blocks, data bytes) groups and error correction bytes of level M, from table 9 of the standard.
TABLE = {
    1: ([(1, 16)], 10),
    2: ([(1, 28)], 16),
    4: ([(2, 32)], 18),
    6: ([(4, 27)], 16),
    7: ([(4, 31)], 18),
    8: ([(2, 38), (2, 39)], 22),
    10: ([(4, 43), (1, 44)], 26),
    14: ([(4, 40), (5, 41)], 24),
    20: ([(3, 41), (13, 42)], 26),
}
ALIGNED = {
    1: [],
    2: [6, 18],
    4: [6, 26],
    6: [6, 34],
    7: [6, 22, 38],
    8: [6, 24, 42],
    10: [6, 28, 50],
    14: [6, 26, 46, 66],
    20: [6, 34, 62, 90],
}
EXPONENTS = [1]
while len(EXPONENTS) < 255:
    EXPONENTS.append(EXPONENTS[-1] << 1 ^ (0x11D if EXPONENTS[-1] & 0x80 else 0))


def read(rows: list[list[bool]]) -> tuple[str, int]:
    """The text of a code of level M, and its version. Every check that a reader can make must hold."""
    size = len(rows)
    version = (size - 17) // 4
    near = [(8, c) for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]
    far = [(r, 8) for r in range(size - 1, size - 8, -1)] + [(8, c) for c in range(size - 8, size)]
    formats = {int("".join("01"[rows[r][c]] for r, c in places), 2) ^ 0b101010000010010 for places in (near, far)}
    [found] = formats
    assert found >> 13 == 0, "level M"
    assert rows[size - 8][8], "the dark module"
    mask = found >> 10 & 7

    taken = {(r, c) for r in range(9) for c in range(9)} | {(r, c) for r in range(9) for c in range(size - 8, size)}
    taken |= {(r, c) for r in range(size - 8, size) for c in range(9)}
    taken |= {(6, n) for n in range(size)} | {(n, 6) for n in range(size)}
    for r in ALIGNED[version]:
        for c in ALIGNED[version]:
            if (r, c) not in {(6, 6), (6, size - 7), (size - 7, 6)}:
                assert rows[r][c], "an alignment mark"
                assert not rows[r - 1][c]
                taken |= {(r + y, c + x) for y in range(-2, 3) for x in range(-2, 3)}
    if version >= 7:
        places = {(r, c) for r in range(6) for c in range(size - 11, size - 8)}
        taken |= places | {(c, r) for r, c in places}
        told = int("".join("01"[rows[n // 3][size - 11 + n % 3]] for n in range(17, -1, -1)), 2)
        assert told >> 12 == version

    bits, up = [], True
    columns = [c for c in range(size - 1, -1, -1) if c != 6]
    for right, left in zip(columns[::2], columns[1::2], strict=True):
        for r in range(size - 1, -1, -1) if up else range(size):
            bits += [
                rows[r][c] ^ (eval(RULES[mask], {"r": r, "c": c}) == 0) for c in (right, left) if (r, c) not in taken
            ]
        up = not up
    raw = [int("".join("01"[bit] for bit in bits[n : n + 8]), 2) for n in range(0, len(bits) - 7, 8)]

    groups, ecc = TABLE[version]
    sizes = [length for count, length in groups for _ in range(count)]
    blocks: list[list[int]] = [[] for _ in sizes]
    stream = iter(raw)
    for n in range(max(sizes)):
        for block, length in zip(blocks, sizes, strict=True):
            if n < length:
                block.append(next(stream))
    data = [byte for block in blocks for byte in block]
    for _ in range(ecc):
        for block in blocks:
            block.append(next(stream))
    for block in blocks:
        for power in range(ecc):
            assert evaluated(block, EXPONENTS[power]) == 0, "a syndrome"
    text = "".join(f"{byte:08b}" for byte in data)
    assert text[:4] == "0100", "byte mode"
    width = 8 if version < 10 else 16
    length = int(text[4 : 4 + width], 2)
    body = text[4 + width : 4 + width + 8 * length]
    return bytes(int(body[n : n + 8], 2) for n in range(0, len(body), 8)).decode(), version


def evaluated(block: list[int], at: int) -> int:
    value = 0
    for byte in block:
        value = byte ^ (EXPONENTS[(EXPONENTS.index(value) + EXPONENTS.index(at)) % 255] if value else 0)
    return value


@pytest.mark.parametrize(
    ("length", "version"),
    [(1, 1), (14, 1), (15, 2), (62, 4), (106, 6), (107, 7), (122, 7), (152, 8), (213, 10), (362, 14), (666, 20)],
)
def test_a_code_reads_as_what_was_written(length: int, version: int) -> None:
    text = "".join(random.choice("abcXYZ0189:/?&=%") for _ in range(length))
    assert read(qr.modules_of(text)) == (text, version)


def test_letters_of_any_script_are_read() -> None:
    assert read(qr.modules_of("茶 & thé"))[0] == "茶 & thé"


def test_more_than_fits_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        qr.modules_of("a" * 667)


def test_every_address_of_a_secret_fits() -> None:
    address = codes.address_of("A" * 32, issuer="茶" * 60, name="名" * 60)
    with pytest.raises(ValueError, match="too long"):
        qr.modules_of(address + "x" * 400)
    assert qr.modules_of(address)


def test_a_code_is_module_for_module_the_one_that_other_writers_make() -> None:
    address = codes.address_of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", issuer="Example Company", name="aaaaaaaa")
    bits = "".join("01"[dark] for row in qr.modules_of(address) for dark in row)
    assert (
        hashlib.sha256(bits.encode()).hexdigest() == "6e41f4db5192e0a1793bdb5a660959b6dc2d286fac4cefb05bd63191452e39d8"
    )


def test_the_picture_has_a_quiet_zone_and_says_what_it_is() -> None:
    svg = ET.fromstring(qr.svg_of("hello", label='a "code"'))
    assert svg.attrib["viewBox"] == "0 0 29 29"
    assert svg.attrib["aria-label"] == 'a "code"'
    assert svg[1].attrib["d"].startswith("M4 4h7")
