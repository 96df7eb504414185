"""A copy that was changed after it was signed is told from one that was not, with the place, offline."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.rights.packaging.copies import KEYRING, copy, files, holding, written
from troth.foundation.keys import Keyring
from troth.foundation.records.catalogue import ColumnKind
from troth.rights.packaging import manifest

COLUMNS = {"id": ColumnKind.NUMBER, "note": ColumnKind.TEXT}


@pytest.fixture(scope="module")
def whole() -> bytes:
    return written(copy([holding([(n, f"note {n}") for n in range(30)], COLUMNS)]))[0]


def rezipped(parts: dict[str, bytes]) -> io.BytesIO:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return into


def test_an_untouched_copy_verifies_and_says_whose_signature_it_is(whole: bytes) -> None:
    found = manifest.verify(io.BytesIO(whole), key_id=KEYRING.signing_id)

    assert found
    assert found.key_id == KEYRING.signing_id
    assert found.manifest["request"] == "2026-000412"
    assert found.manifest["counts"] == {"rows": 30, "tables": 1, "redactions": 0}
    assert {part["name"] for part in found.manifest["parts"]} == set(files(whole)) - {
        "manifest.json", "manifest.sig", "manifest.pem",
    }  # fmt: skip


def test_each_flipped_byte_of_each_part_is_found_and_the_part_is_named(whole: bytes) -> None:
    parts, chance = files(whole), random.Random(7)
    for name, content in parts.items():
        at = range(len(content)) if len(content) < 200 else sorted(chance.sample(range(len(content)), 25))
        for place in at:
            changed = bytearray(content)
            changed[place] ^= 1 << chance.randrange(8)

            found = manifest.verify(rezipped({**parts, name: bytes(changed)}))

            assert not found, f"{name} at {place}"
            assert any("manifest" in fault or name in fault for fault in found.faults)


def test_each_flipped_byte_of_the_file_itself_shows_in_the_digest_that_was_told(whole: bytes) -> None:
    _, done = written(copy([holding([(n, f"note {n}") for n in range(30)], COLUMNS)]))
    chance = random.Random(8)

    assert hashlib.sha256(whole).digest() == done.sha256
    for _ in range(300):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        assert hashlib.sha256(changed).digest() != done.sha256
        manifest.verify(io.BytesIO(changed))  # whatever it says, it never raises


def test_a_part_left_out_added_doubled_or_renamed_is_found(whole: bytes) -> None:
    parts = files(whole)
    without = {name: content for name, content in parts.items() if name != "data/shop.orders.json"}
    doubled = rezipped(parts)
    with zipfile.ZipFile(doubled, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("index.html", b"another page")

    assert manifest.verify(rezipped(without)).faults == ("data/shop.orders.json: missing",)
    assert "does not name" in manifest.verify(rezipped({**parts, "more.html": b""})).faults[0]
    assert any("twice" in fault for fault in manifest.verify(doubled).faults)
    renamed = {name.replace("orders.json", "order.json"): content for name, content in parts.items()}
    assert not manifest.verify(rezipped(renamed))


def test_a_manifest_signed_anew_with_another_key_shows_another_key(whole: bytes) -> None:
    stranger = Keyring.from_text("troth-key-1:" + "B" * 43 + "=", where="tests")
    parts = {name: content for name, content in files(whole).items() if not name.startswith("manifest")}
    parts["index.html"] = b"<p>forged</p>"
    listed = [manifest.Part(name, hashlib.sha256(body).hexdigest(), len(body)) for name, body in parts.items()]
    forged = rezipped({**parts, **manifest.signed_manifest(stranger, {"request": "2026-000412"}, listed)})

    assert manifest.verify(forged)
    assert not manifest.verify(forged, key_id=KEYRING.signing_id)


@pytest.mark.parametrize("junk", [b"", b"PK\x05\x06" + bytes(18), b"not a zip", bytes(1000)])
def test_what_is_no_copy_is_told_and_never_raises(junk: bytes) -> None:
    found = manifest.verify(io.BytesIO(junk))

    assert not found
    assert found.faults


def test_a_part_that_unpacks_to_more_than_it_says_is_not_unpacked_to_its_end(whole: bytes) -> None:
    parts = files(whole)
    found = manifest.verify(rezipped({**parts, "README.txt": bytes(50_000_000)}))

    assert found.faults == ("README.txt: not as it was when it was signed",)


def test_openssl_verifies_the_manifest_and_refuses_a_changed_one(whole: bytes, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("missing: openssl")
    for name, content in files(whole).items():
        if name.startswith("manifest"):
            (tmp_path / name).write_bytes(content)
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "manifest.pem", "-rawin", "-in", "manifest.json",
               "-sigfile", "manifest.sig"]  # fmt: skip

    good = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = json.loads((tmp_path / "manifest.json").read_text())
    said["request"] = "2026-000413"
    (tmp_path / "manifest.json").write_text(json.dumps(said))
    bad = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (good.returncode, bad.returncode) == (0, 1), good.stderr
    assert "pkeyutl" in files(whole)["README.txt"].decode()
