"""A short text as a QR code (ISO/IEC 18004): byte mode, error correction level M, versions 1 to 20, up to 666 bytes.

It is drawn on the server, so that the secret in it goes to nobody who draws pictures for a living.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

_LAST = 20
_ECC = (10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26)
"""Error correction bytes in each block, by version."""

_BLOCKS = (1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16)
"""How many blocks the bytes are dealt into, by version."""

_MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda x, y: (x + y) % 2 == 0,
    lambda _, y: y % 2 == 0,
    lambda x, _: x % 3 == 0,
    lambda x, y: (x + y) % 3 == 0,
    lambda x, y: (x // 3 + y // 2) % 2 == 0,
    lambda x, y: x * y % 2 + x * y % 3 == 0,
    lambda x, y: (x * y % 2 + x * y % 3) % 2 == 0,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2 == 0,
)
_LIKE_A_FINDER = ("10111010000", "00001011101")

Modules = list[list[bool]]
"""Rows of dark (true) and light modules."""


def modules_of(text: str) -> Modules:
    """The code of `text` without its quiet zone. Raises: ValueError for more than 666 bytes of UTF-8."""
    body = text.encode("utf-8")
    version = next((each for each in range(1, _LAST + 1) if _fits(body, each)), None)
    if version is None:
        raise ValueError("too long for a QR code of version 20")
    bare, fixed = _patterns(version)
    _lay(bare, fixed, _coded(body, version))
    drawn = (_masked(bare, fixed, mask) for mask in range(len(_MASKS)))
    return min(drawn, key=_penalty)


def svg_of(text: str, *, label: str) -> str:
    """The code as an SVG picture with its quiet zone of four modules; dark on white whatever the page's colours."""
    from markupsafe import escape

    rows = modules_of(text)
    size = len(rows) + 8
    path = "".join(f"M{x + 4} {y + 4}h{n}v1h-{n}z" for y, row in enumerate(rows) for x, n in _runs(row))
    return (
        f'<svg class="qr" viewBox="0 0 {size} {size}" width="{size * 4}" height="{size * 4}" role="img" '
        f'aria-label="{escape(label)}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path fill="#000" d="{path}"/></svg>'
    )


def _runs(row: list[bool]) -> Iterator[tuple[int, int]]:
    """(where it begins, how long it is) for each run of dark modules."""
    start = None
    for x, dark in enumerate([*row, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            yield start, x - start
            start = None


def _fits(body: bytes, version: int) -> bool:
    return 4 + _count_bits(version) + 8 * len(body) <= 8 * _data_bytes(version)


def _count_bits(version: int) -> int:
    return 8 if version < 10 else 16


def _data_bytes(version: int) -> int:
    return _raw_bits(version) // 8 - _ECC[version - 1] * _BLOCKS[version - 1]


def _raw_bits(version: int) -> int:
    """Modules that are left for data and error correction."""
    bits = (16 * version + 128) * version + 64
    if version >= 2:
        marks = version // 7 + 2
        bits -= (25 * marks - 10) * marks - 55
    return bits - 36 if version >= 7 else bits


# --- the bytes -------------------------------------------------------------------------------------------------


def _coded(body: bytes, version: int) -> bytes:
    """Data and error correction, dealt into blocks and interleaved."""
    bits = f"0100{len(body):0{_count_bits(version)}b}" + "".join(f"{byte:08b}" for byte in body)
    capacity = 8 * _data_bytes(version)
    bits += "0" * min(4, capacity - len(bits))
    bits += "0" * (-len(bits) % 8)
    data = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    data += bytes(0xEC if n % 2 == 0 else 0x11 for n in range(capacity // 8 - len(data)))

    blocks, ecc = _BLOCKS[version - 1], _ECC[version - 1]
    short, long = divmod(len(data), blocks)
    parts, at = [], 0
    for number in range(blocks):
        length = short + (number >= blocks - long)
        parts.append(data[at : at + length])
        at += length
    divisor = _divisor(ecc)
    checks = [_remainder(part, divisor) for part in parts]
    dealt = [part[n] for n in range(short + 1) for part in parts if n < len(part)]
    return bytes(dealt) + bytes(check[n] for n in range(ecc) for check in checks)


def _divisor(degree: int) -> list[int]:
    """The Reed-Solomon generator polynomial over GF(256), without its leading 1."""
    result = [0] * (degree - 1) + [1]
    root = 1
    for _ in range(degree):
        for n in range(degree):
            result[n] = _times(result[n], root) ^ (result[n + 1] if n + 1 < degree else 0)
        root = _times(root, 2)
    return result


def _remainder(data: bytes, divisor: list[int]) -> list[int]:
    result = [0] * len(divisor)
    for byte in data:
        factor = byte ^ result.pop(0)
        result.append(0)
        result = [one ^ _times(other, factor) for one, other in zip(result, divisor, strict=True)]
    return result


def _times(one: int, other: int) -> int:
    product = 0
    for bit in range(7, -1, -1):
        product = (product << 1) ^ ((product >> 7) * 0x11D)
        product ^= ((other >> bit) & 1) * one
    return product


# --- the picture -----------------------------------------------------------------------------------------------


def _patterns(version: int) -> tuple[Modules, Modules]:
    """The modules that are the same for every text of that version, and which modules those are."""
    size = 4 * version + 17
    dark = [[False] * size for _ in range(size)]
    fixed = [[False] * size for _ in range(size)]

    def put(x: int, y: int, value: bool) -> None:  # noqa: FBT001 - a module
        if 0 <= x < size and 0 <= y < size:
            dark[y][x], fixed[y][x] = value, True

    for n in range(size):
        put(6, n, n % 2 == 0)
        put(n, 6, n % 2 == 0)
    for left, top in ((3, 3), (size - 4, 3), (3, size - 4)):
        for dy in range(-4, 5):
            for dx in range(-4, 5):
                put(left + dx, top + dy, max(abs(dx), abs(dy)) not in {2, 4})
    marks = _marks(version)
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    for left in marks:
        for top in marks:
            if (left, top) not in corners:
                for dy in range(-2, 3):
                    for dx in range(-2, 3):
                        put(left + dx, top + dy, max(abs(dx), abs(dy)) != 1)
    if version >= 7:
        bits = version << 12 | _checked(version, 12, 0x1F25)
        for n in range(18):
            near, far = n // 3, size - 11 + n % 3
            put(far, near, bool(bits >> n & 1))
            put(near, far, bool(bits >> n & 1))
    _put_format(dark, 0, fixed)
    return dark, fixed


def _marks(version: int) -> list[int]:
    """Where the centres of the alignment marks stand, in both directions."""
    if version == 1:
        return []
    count = version // 7 + 2
    step = (version * 8 + count * 3 + 5) // (count * 4 - 4) * 2
    last = 4 * version + 10
    return [6, *(last - n * step for n in range(count - 2, -1, -1))]


def _checked(value: int, degree: int, polynomial: int) -> int:
    """The remainder that is put behind format and version so that they can be read when damaged."""
    rest = value
    for _ in range(degree):
        rest = (rest << 1) ^ ((rest >> (degree - 1)) * polynomial)
    return rest


def _put_format(dark: Modules, mask: int, fixed: Modules | None = None) -> None:
    """Level M (its two bits are 00) and the mask, twice; and the module that is always dark."""
    size = len(dark)
    bits = (mask << 10 | _checked(mask, 10, 0x537)) ^ 0x5412
    first = [(8, n) for n in range(6)] + [(8, 7), (8, 8), (7, 8)] + [(14 - n, 8) for n in range(9, 15)]
    second = [(size - 1 - n, 8) for n in range(8)] + [(8, size - 15 + n) for n in range(8, 15)]
    for places in (first, second):
        for n, (x, y) in enumerate(places):
            dark[y][x] = bool(bits >> n & 1)
            if fixed is not None:
                fixed[y][x] = True
    dark[size - 8][8] = True
    if fixed is not None:
        fixed[size - 8][8] = True


def _lay(dark: Modules, fixed: Modules, data: bytes) -> None:
    """Lay the bits in pairs of columns from the right, up and down in turn, around what is fixed."""
    size, at = len(dark), 0
    for right in (*range(size - 1, 6, -2), 5, 3, 1):
        upward = (right + 1) & 2 == 0
        for n in range(size):
            y = size - 1 - n if upward else n
            for x in (right, right - 1):
                if not fixed[y][x] and at < 8 * len(data):
                    dark[y][x] = bool(data[at >> 3] >> (7 - (at & 7)) & 1)
                    at += 1


def _masked(bare: Modules, fixed: Modules, mask: int) -> Modules:
    rule = _MASKS[mask]
    drawn = [[dark ^ (not fixed[y][x] and rule(x, y)) for x, dark in enumerate(row)] for y, row in enumerate(bare)]
    _put_format(drawn, mask)
    return drawn


def _penalty(rows: Modules) -> int:
    """How hard a picture is to read, by the four rules of the standard."""
    size, total = len(rows), 0
    for lines in (rows, [list(column) for column in zip(*rows, strict=True)]):
        for line in lines:
            text = "".join("01"[dark] for dark in line)
            for run in text.replace("01", "0 1").replace("10", "1 0").split():
                total += len(run) - 2 if len(run) >= 5 else 0
            total += 40 * sum(text.startswith(_LIKE_A_FINDER, at) for at in range(size - 10))
    for y in range(size - 1):
        for x in range(size - 1):
            total += 3 * (rows[y][x] == rows[y][x + 1] == rows[y + 1][x] == rows[y + 1][x + 1])
    dark = sum(map(sum, rows))
    return total + 10 * (abs(20 * dark - 10 * size * size) // (size * size))
