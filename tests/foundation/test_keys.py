from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from tests.stores import fresh_store
from troth.errors import KeyUnavailable, StoreBehind
from troth.foundation import keys
from troth.foundation.keys import Keyring
from troth.foundation.store import Store


def test_a_made_key_is_readable_by_its_owner_only_and_loads_again(tmp_path: Path) -> None:
    made = Keyring.create(tmp_path)
    assert (tmp_path / "troth.key").stat().st_mode & 0o777 == 0o600
    assert Keyring.load(tmp_path, {}) == made


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    Keyring.create(tmp_path)
    (tmp_path / "other").mkdir()
    other = Keyring.create(tmp_path / "other")
    text = (tmp_path / "other" / "troth.key").read_text()
    assert Keyring.load(tmp_path, {"TROTH_KEY": text}) == other


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    made = Keyring.create(tmp_path)
    with pytest.raises(KeyUnavailable, match="not overwritten"):
        Keyring.create(tmp_path)
    assert Keyring.load(tmp_path, {}) == made


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o700 | 0o010])
def test_a_key_file_that_others_may_use_is_refused_with_the_repair(tmp_path: Path, mode: int) -> None:
    Keyring.create(tmp_path)
    path = tmp_path / "troth.key"
    path.chmod(mode)
    with pytest.raises(KeyUnavailable, match=re.escape(f"chmod 600 {path}")):
        Keyring.load(tmp_path, {})


@pytest.mark.parametrize(
    "text",
    ["", "troth-key-1:", "troth-key-1:AAAA", "troth-key-1:" + "A" * 42 + "!", "troth-key-2:" + "A" * 43 + "=", "ü"],
)
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(KeyUnavailable) as caught:
        Keyring.from_text(text, where="TROTH_KEY")
    assert "A" * 10 not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_key_and_a_missing_folder_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="there is no key"):
        Keyring.load(tmp_path, {})
    with pytest.raises(KeyUnavailable, match="cannot be written"):
        Keyring.create(tmp_path / "nowhere")


def test_the_derived_keys_are_hkdf_and_apart(keyring: Keyring, tmp_path: Path) -> None:
    root = b"\x07" * 32
    derived = [keys._derive(root, name) for name in ("pseudonym", "sealing", "signing", "confirming")]
    expected = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"troth/1/pseudonym").derive(root)
    assert derived[0] == expected
    assert len(set(derived)) == 4


def test_no_key_is_seen_in_a_repr(tmp_path: Path) -> None:
    made = Keyring.create(tmp_path)
    secrets = [made._pseudonym, made._sealing, made._signing, made._confirming]
    for text in (repr(made), str(made), f"{made}", repr([made])):
        assert made.id in text
        assert not any(secret.hex() in text or repr(secret) in text for secret in secrets)


@given(plain=st.binary(max_size=200), context=st.binary(max_size=20))
def test_what_is_sealed_opens_again_for_its_own_place_only(keyring: Keyring, plain: bytes, context: bytes) -> None:
    sealed = keyring.seal(plain, context=context)
    assert keyring.unseal(sealed, context=context) == plain
    assert sealed != keyring.seal(plain, context=context)
    with pytest.raises(KeyUnavailable):
        keyring.unseal(sealed, context=context + b"x")


@given(st.data())
def test_an_altered_seal_does_not_open(keyring: Keyring, data: st.DataObject) -> None:
    sealed = bytearray(keyring.seal(b"words of a person", context=b"outbox"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(KeyUnavailable):
        keyring.unseal(bytes(sealed), context=b"outbox")
    with pytest.raises(KeyUnavailable):
        keyring.unseal(bytes(sealed[:place]), context=b"outbox")


def test_a_signature_is_verified_with_the_public_key_alone(keyring: Keyring) -> None:
    signature = keyring.sign(b"head")
    assert keys.verify(keyring.public_key, signature, b"head")
    assert not keys.verify(keyring.public_key, signature, b"other head")
    assert not keys.verify(keyring.public_key, b"", b"head")
    assert not keys.verify(b"short", signature, b"head")
    assert keys.signing_id(keyring.public_key) == keyring.signing_id


def test_pseudonyms_hang_on_the_key_and_the_kind(keyring: Keyring, tmp_path: Path) -> None:
    other = Keyring.create(tmp_path)
    names = {
        keyring.pseudonym("a", b"x"),
        keyring.pseudonym("b", b"x"),
        keyring.pseudonym("a", b"y"),
        other.pseudonym("a", b"x"),
    }
    assert len(names) == 4
    assert keyring.pseudonym("a", b"x") in names


def test_a_store_notices_the_wrong_key_and_names_the_right_one(
    each_store: Store, keyring: Keyring, tmp_path: Path
) -> None:
    keys.confirm(each_store, keyring)
    keys.confirm(each_store, keyring)
    (tmp_path / "other").mkdir()
    with pytest.raises(KeyUnavailable, match=f"sealed with key {keyring.id}.*Put key {keyring.id} back"):
        keys.confirm(each_store, Keyring.create(tmp_path / "other"))


def test_a_store_opened_for_reading_is_given_no_key(tmp_path: Path, keyring: Keyring) -> None:
    fresh_store(tmp_path).close()
    with Store.open(f"sqlite:///{tmp_path / 'troth.db'}", read_only=True) as store:
        keys.confirm(store, keyring)


def test_a_store_without_tables_is_told_to_upgrade(tmp_path: Path, keyring: Keyring) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'new.db'}") as store, pytest.raises(StoreBehind, match="troth upgrade"):
        keys.confirm(store, keyring)
