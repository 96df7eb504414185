"""The tree is that of RFC 6962: its roots and proofs are those of the definition, and only true proofs verify."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.foundation.ledger import independent
from troth.foundation.ledger import merkle
from troth.foundation.ledger.merkle import HASH, HEIGHT, WIDTH, Frontier

# The entries of the reference tree that Certificate Transparency's implementations test with.
REFERENCE = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
REFERENCE_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def entries_of(count: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(count)]


def tiles_of(entries: list[bytes]) -> merkle.Tiles:
    """The tiles of a tree, made from the definition: level by level, full tiles only above."""
    levels = [[merkle.leaf_hash(one) for one in entries]]
    while len(levels[-1]) >= WIDTH:
        below = levels[-1]
        levels.append([merkle.root_of(below[at : at + WIDTH]) for at in range(0, len(below) // WIDTH * WIDTH, WIDTH)])
        levels[-1] = [
            independent.mth(entries[at * span : (at + 1) * span])
            for span in [WIDTH ** (len(levels) - 1)]
            for at in range(len(levels[-1]))
        ]

    def tile(level: int, number: int) -> bytes:
        return b"".join(levels[level][number * WIDTH : (number + 1) * WIDTH])

    return tile


@pytest.mark.parametrize("size", range(9))
def test_the_reference_tree_of_certificate_transparency_has_its_published_roots(size: int) -> None:
    leaves = [merkle.leaf_hash(one) for one in REFERENCE[:size]]

    assert merkle.root_of(leaves).hex() == REFERENCE_ROOTS[size]
    assert independent.mth(REFERENCE[:size]).hex() == REFERENCE_ROOTS[size]


def test_a_published_path_of_the_reference_tree_is_ours() -> None:
    # Entry 0 of all eight, as the implementations of Certificate Transparency print it.
    expected = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]

    assert [one.hex() for one in merkle.inclusion_proof(tiles_of(REFERENCE), 0, 8)] == expected


@pytest.mark.parametrize("size", [*range(1, 18), 255, 256, 257, 511, 512, 513, 700])
def test_roots_frontiers_and_proofs_are_those_of_the_definition(size: int) -> None:
    entries = entries_of(size)
    tiles = tiles_of(entries)

    assert merkle.root_from(tiles, size) == independent.mth(entries)
    assert merkle.frontier_from(tiles, size).root() == independent.mth(entries)
    for index in {0, 1 % size, size // 2, size - 1}:
        assert list(merkle.inclusion_proof(tiles, index, size)) == independent.path(index, entries)
    for old in {1, size // 2 or 1, size - 1 or 1, size}:
        assert list(merkle.consistency_proof(tiles, old, size)) == independent.proof(old, entries)


@given(st.integers(1, 600), st.data())
def test_true_proofs_verify_and_altered_ones_do_not(size: int, data: st.DataObject) -> None:
    entries = entries_of(size)
    tiles = tiles_of(entries)
    root = merkle.root_from(tiles, size)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    leaf, before = merkle.leaf_hash(entries[index]), merkle.root_from(tiles, old)
    path, proof = merkle.inclusion_proof(tiles, index, size), merkle.consistency_proof(tiles, old, size)

    assert merkle.verify_inclusion(leaf, index, size, path, root)
    assert merkle.verify_consistency(old, size, before, root, proof)

    for wrong in _altered(path, data):
        assert not merkle.verify_inclusion(leaf, index, size, wrong, root)
    for wrong in _altered(proof, data):
        assert not merkle.verify_consistency(old, size, before, root, wrong)
    other = data.draw(st.integers(0, size - 1))
    assert merkle.verify_inclusion(leaf, other, size, path, root) == (other == index)
    assert not merkle.verify_inclusion(merkle.leaf_hash(b"forged"), index, size, path, root)
    assert not merkle.verify_consistency(old, size, merkle.leaf_hash(b"forged"), root, proof)
    assert not merkle.verify_consistency(old, size, before, merkle.leaf_hash(b"forged"), proof)


def _altered(hashes: tuple[bytes, ...], data: st.DataObject) -> list[tuple[bytes, ...]]:
    wrong = [(*hashes, merkle.leaf_hash(b"more"))]
    if hashes:
        at = data.draw(st.integers(0, len(hashes) - 1))
        flipped = bytes([hashes[at][0] ^ 1]) + hashes[at][1:]
        wrong += [hashes[1:], hashes[:-1], (*hashes[:at], flipped, *hashes[at + 1 :])]
        wrong.append((*hashes[:at], hashes[at][:-1], *hashes[at + 1 :]))
    return wrong


def test_nothing_is_proven_of_what_is_not_there() -> None:
    tiles = tiles_of(entries_of(5))

    for call in (
        lambda: merkle.inclusion_proof(tiles, 5, 5),
        lambda: merkle.inclusion_proof(tiles, -1, 5),
        lambda: merkle.consistency_proof(tiles, 6, 5),
        lambda: merkle.root_from(tiles, 6),
    ):
        with pytest.raises(ValueError, match=r"tree|short"):
            call()
    assert not merkle.verify_inclusion(bytes(HASH), 5, 5, (), bytes(HASH))
    assert not merkle.verify_consistency(5, 4, bytes(HASH), bytes(HASH), ())


def test_the_empty_tree_is_before_every_tree() -> None:
    root = merkle.root_of([merkle.leaf_hash(b"one")])

    assert merkle.verify_consistency(0, 1, merkle.EMPTY, root, ())
    assert not merkle.verify_consistency(0, 1, root, root, ())
    assert merkle.root_from(tiles_of([]), 0) == merkle.EMPTY == Frontier().root()


@given(st.lists(st.integers(0, 2), max_size=6))
def test_a_frontier_grows_the_same_by_entries_and_by_full_subtrees(steps: list[int]) -> None:
    ours, plain, leaves = Frontier(), Frontier(), 0
    for step in steps:
        count = WIDTH if step == 2 and ours.size % WIDTH == 0 else step + 1
        hashes = [merkle.leaf_hash(b"%d" % (leaves + at)) for at in range(count)]
        leaves += count
        for one in hashes:
            plain.push(one)
        if count == WIDTH:
            ours.push(merkle.fold(b"".join(hashes)), HEIGHT)
        else:
            for one in hashes:
                ours.push(one)

    assert ours.edge == plain.edge
    assert ours.take() == plain.take()


def test_the_tiles_of_a_size_are_those_that_the_specification_counts() -> None:
    widths = list(merkle.tile_widths(70_000))

    assert [sum(level == at for level, _, _ in widths) for at in range(3)] == [274, 2, 1]
    assert [(level, width) for level, _, width in widths if width < WIDTH] == [(0, 112), (1, 17), (2, 1)]
    assert list(merkle.tile_widths(256)) == [(0, 0, 256), (1, 0, 1)]
    assert list(merkle.tile_widths(0)) == []


def test_base64_of_the_empty_root_is_that_of_the_specifications() -> None:
    assert base64.b64encode(merkle.EMPTY) == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
