"""Hand the ledger to tools that are not ours: C2SP tlog-tiles, as a folder of files; and verify such a folder.

    checkpoint             the signed head
    key                    the public keys, one a line, the one in force last (compare with the one you were told)
    keys.json              which key signed heads of which sizes
    handover/1 ...         how one key took over from another, each a C2SP tlog-proof that both signed
    tile/0/000 ...         hashes, 256 a file; `000.p/5` is a part of one, with 5
    tile/entries/000 ...   the entries: two bytes of length, then the bytes that were hashed
    README.md              how to verify it without troth

No sealed body is in it, and no name. What stands in the folder of an earlier export is only added to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, select

from troth.errors import ProofInvalid, StoreError
from troth.foundation.ledger import checkpoints, lineage, merkle, tiles
from troth.foundation.ledger.checkpoints import Checkpoint
from troth.foundation.ledger.findings import Verification, entry
from troth.foundation.ledger.lineage import Handover, Lineage
from troth.foundation.ledger.merkle import HASH, WIDTH
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.receipts import Receipt
from troth.foundation.ledger.tables import ledger_leaves, ledger_order
from troth.foundation.ledger.treecheck import Mark, TreeCheck
from troth.foundation.store import Store

CHECKPOINT, KEY, KEYS, HANDOVER, README = "checkpoint", "key", "keys.json", "handover", "README.md"


def export(store: Store, folder: Path) -> Checkpoint:
    """Write the ledger, as far as its newest signed head goes, into `folder`; gives that head.

    Raises: StoreError when nothing is signed yet, when `folder` holds something else or another ledger, or when an
    entry is missing.
    """
    with store.reading() as tx:
        head = checkpoints.latest(tx)
        line = _lineage(tx)
        if head is None or not line.keys:
            raise StoreError("the ledger has no signed head yet", repair="Run `troth ledger checkpoint`.")
        found = checkpoints.claimed(head.note)
        _refuse_other(folder, found)
        read = tiles.reader(tx)
        for level, number, width in merkle.tile_widths(found.size):
            hashes = read(level, number)[: width * HASH]
            _write(folder / "tile" / str(level) / _name(number, width), hashes)
            if level == 0:
                bundle = b"".join(_prefixed(one) for one in _entries(tx, number, width))
                _write(folder / "tile" / "entries" / _name(number, width), bundle)
    for number, each in enumerate(line.handovers, start=1):
        proof = Receipt(each.entry, each.size - 1, each.path, each.note, each.after.text)
        _write(folder / HANDOVER / str(number), proof.tlog_proof.encode())
    _write(folder / KEYS, (json.dumps({"schema": 1, "keys": line.spans}, indent=2) + "\n").encode())
    _write(folder / KEY, "".join(f"{key.text}\n" for key in line.keys).encode())
    _write(folder / README, _readme(found, line.keys[-1]).encode())
    _write(folder / CHECKPOINT, head.note.encode(), last=True)
    return found


def verify_export(folder: Path, known: Iterable[PublicKey] = (), outside: Sequence[str] = ()) -> Verification:
    """Verify an exported ledger with the files alone. `outside`: checkpoints kept elsewhere.

    `known`: keys that are trusted; with none, those of the folder, which shows damage but no forger.
    Raises: ProofInvalid when there is no checkpoint to begin with.
    """
    outcome = Verification()
    trusted = tuple(known)
    line = _line_of(folder, outcome)
    if not trusted:
        trusted = _keys(folder)
        outcome.notes.append("the key was taken from the folder itself; give the one that you were told with --key")
    note = _read(folder / CHECKPOINT)
    if note is None:
        raise ProofInvalid("there is no exported ledger here", where=str(folder), expected="a file `checkpoint`")
    try:
        head = lineage.read_head(note.decode("utf-8", "replace"), lineage.followed(trusted, line.handovers), line)
    except ProofInvalid as problem:
        outcome.add("the checkpoint of the export", problem.message)
        head = checkpoints.claimed(note.decode("utf-8", "replace"))
    outcome.origin, outcome.heads = head.origin, 1
    marks = [Mark(head.size, head.root, "the checkpoint of the export")]
    marks += [
        Mark(each.size, checkpoints.claimed(each.note).root, f"the hand-over at {each.size}") for each in line.handovers
    ]
    _compare_keys(folder, line, outcome)
    marks += _marks(outside, trusted, line, head, outcome)
    check = TreeCheck(lambda level, number: _tile(folder, level, number, head.size), marks, outcome)
    for number in range(-(-head.size // WIDTH)):
        width = min(WIDTH, head.size - number * WIDTH)
        hashes = _go_through(folder, number, width, outcome)
        check.add(hashes, b"".join(hashes))
    check.finish()
    return outcome


def _go_through(folder: Path, number: int, width: int, outcome: Verification) -> list[bytes]:
    """The hashes of one bundle of entries, held against its tile."""
    first = number * WIDTH
    bundle = _read(folder / "tile" / "entries" / _name(number, width))
    tile = _read(folder / "tile" / "0" / _name(number, width))
    computed = [merkle.leaf_hash(one) for one in _split(bundle or b"")]
    placed = [(tile or b"")[at : at + HASH] for at in range(0, len(tile or b""), HASH)]
    if tile is None or len(placed) != width or len(placed[-1]) != HASH:
        outcome.add(f"tile {number} of level 0", "is missing or not whole", place=first)
        placed = []
    if bundle is None or len(computed) != width:
        message = f"holds {len(computed)} entries instead of {width}"
        outcome.add(f"the entries from {first}", "are missing" if bundle is None else message, place=first)
    elsewhere = {hashed: at for at, hashed in enumerate(placed)}
    for at, (own, place) in enumerate(zip(computed, placed, strict=False)):
        if own != place:
            other = elsewhere.get(own)
            message = "is not the one that was placed here"
            message += f"; it belongs to place {first + other}" if other is not None else ""
            outcome.add(entry(first + at, None), message, place=first + at)
    return placed or [*computed, *[bytes(HASH)] * width][:width]


def _lineage(tx: Connection) -> Lineage:
    try:
        return lineage.load(tx, paths=True)
    except ProofInvalid as damaged:
        raise StoreError(f"the ledger is damaged: {damaged.message}", repair="Run `troth ledger verify`.") from None


def _line_of(folder: Path, outcome: Verification) -> Lineage:
    """The lineage as the folder shows it: each hand-over is signed by whom it must be, and goes on from the last."""
    found: list[Handover] = []
    while (text := _read(folder / HANDOVER / str(len(found) + 1))) is not None:
        what = f"hand-over {len(found) + 1}"
        try:
            proof = Receipt.read(text.decode("utf-8", "replace"))
            each = lineage.read(proof.checkpoint, proof.entry, proof.path)
        except ProofInvalid as problem:
            outcome.add(what, problem.message)
            break
        if found and (each.before != found[-1].after or each.size <= found[-1].size):
            outcome.add(what, "does not go on from the one before")
            break
        if not each.vouched:
            outcome.notes.append(
                f"from size {each.size} on another key signs, and the key before does not say so: it was lost"
            )
        found.append(each)
    return Lineage(found[0].before if found else None, tuple(found))


def _compare_keys(folder: Path, line: Lineage, outcome: Verification) -> None:
    """What the folder says of its keys must be what the hand-overs in it show."""
    try:
        named = _keys(folder)
        said = json.loads(_read(folder / KEYS) or b"")["keys"]
    except (ProofInvalid, ValueError, KeyError, TypeError, RecursionError):
        outcome.add("the keys of the export", "are missing or damaged")
        return
    shown = line if line.handovers else Lineage(named[0] if named else None)
    if named != shown.keys or said != shown.spans:
        outcome.add("the keys of the export", "are not those that took over from each other")


def _marks(
    outside: Sequence[str], trusted: tuple[PublicKey, ...], line: Lineage, head: Checkpoint, outcome: Verification
) -> Iterator[Mark]:
    for text in outside:
        for note in checkpoints.split_notes(text):
            claimed = checkpoints.claimed(note)
            what = f"the checkpoint of size {claimed.size} kept outside"
            try:
                lineage.read_head(note, (*trusted, *line.keys), line)
            except ProofInvalid as problem:
                outcome.add(what, problem.message)
                continue
            if claimed.origin != head.origin:
                outcome.add(what, "it is of another ledger")
                continue
            yield Mark(claimed.size, claimed.root, what, outside=True)


def _entries(tx: Connection, number: int, width: int) -> Iterator[bytes]:
    packed = tx.execute(select(ledger_order.c.leaves).where(ledger_order.c.number == number)).scalar_one_or_none()
    ids = tiles.unpacked(packed or b"")[:width]
    found = select(ledger_leaves.c.id, ledger_leaves.c.content).where(ledger_leaves.c.id.in_(ids))
    contents: dict[int, bytes] = {row.id: row.content for row in tx.execute(found)}
    if len(contents) != width:
        raise StoreError(f"entries from place {number * WIDTH} on are missing", repair="Run `troth ledger verify`.")
    for leaf in ids:
        yield contents[leaf]


def _tile(folder: Path, level: int, number: int, size: int) -> bytes | None:
    width = min(WIDTH, (size >> (8 * level)) - number * WIDTH)
    return _read(folder / "tile" / str(level) / _name(number, width))


def _keys(folder: Path) -> tuple[PublicKey, ...]:
    text = (_read(folder / KEY) or b"").decode("utf-8", "replace")
    return tuple(PublicKey.parse(line) for line in text.splitlines() if line)


def _refuse_other(folder: Path, found: Checkpoint) -> None:
    if not folder.exists() or not any(folder.iterdir()):
        return
    note = _read(folder / CHECKPOINT)
    if note is None:
        raise StoreError("the folder holds something else; nothing was written", where=str(folder))
    before = checkpoints.claimed(note.decode("utf-8", "replace"))
    if before.origin != found.origin or before.size > found.size:
        raise StoreError("the folder holds another ledger, or more of this one; nothing was written", where=str(folder))


def _name(number: int, width: int) -> str:
    """How the file of a tile is called: three digits a folder, and how much of it there is."""
    digits = f"{number:03d}"
    digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return path if width == WIDTH else f"{path}.p/{width}"


def _prefixed(one: bytes) -> bytes:
    return len(one).to_bytes(2, "big") + one


def _split(bundle: bytes) -> Iterator[bytes]:
    at = 0
    while at + 2 <= len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        yield bundle[at + 2 : end]
        at = end


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _write(path: Path, data: bytes, *, last: bool = False) -> None:
    """Write a file; the one that makes the others count comes whole and last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not last:
        path.write_bytes(data)
        return
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(data)
    beside.replace(path)


def _readme(head: Checkpoint, key: PublicKey) -> str:
    return f"""# The ledger {head.origin}

{head.size} entries, in the form of C2SP tlog-tiles (https://c2sp.org/tlog-tiles). Any tool that reads it can verify it;
troth is not needed.

- `checkpoint`: the signed head (https://c2sp.org/tlog-checkpoint). Line 2 is the number of entries, line 3 the root.
- `key`: the public keys, the one that signed it last: `{key.text}`
  Compare it with the one that you were told by another way.
- `keys.json`: which key signed heads of which sizes. Each time that another took over there is a file in `handover`, a
  proof (https://c2sp.org/tlog-proof) that both keys signed: if you were told an earlier key, verify `handover/1` with
  it, read the next key in its entry (`after`), and so on.
- `tile/entries/...`: the entries, 256 a file: two bytes of length (big-endian), then the entry, which is JSON.
- `tile/0/...`: the SHA-256 of a zero byte and each entry (RFC 6962), 256 a file; `tile/1/...` and on: the roots of the
  full files of the level before. A name that ends in `.p/N` holds N of them.

To verify: hash the entries, compare with `tile/0`, build the Merkle tree of RFC 6962 section 2.1 over these hashes, and
compare its root with line 3 of `checkpoint`. Then verify the Ed25519 signature over the three lines, each with its line
break (https://c2sp.org/signed-note). A checkpoint that you kept from before must have the root that the tree had at its
size. With troth: `troth ledger verify --export . --key '...' --checkpoint KEPT`.

Entries name nobody: `person` is a keyed pseudonym, and what was sealed is not here. Its hashes are.
"""
