"""Columns of the company's own database that only a key of their person opens.

`fieldkeys` finds and keeps the keys, `columns` are the SQLAlchemy types, `mapped` lets the ORM tell them whose a row
is. What a deed here promises is written in docs/how-to/seal-fields.md, and what it leaks.
"""

from __future__ import annotations

from troth.protection.sealed_fields import mapped
from troth.protection.sealed_fields.columns import BlindIndex, Of, SealedBytes, SealedJson, SealedText, of
from troth.protection.sealed_fields.fieldkeys import FIELD_KEYS, FieldKeys

__all__ = ["FIELD_KEYS", "BlindIndex", "FieldKeys", "Of", "SealedBytes", "SealedJson", "SealedText", "mapped", "of"]
