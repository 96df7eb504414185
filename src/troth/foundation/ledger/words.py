"""The words of the ledger: closed sets that its tables and its callers share."""

from __future__ import annotations

from enum import StrEnum


class KeyUse(StrEnum):
    """What a person's key closes. Each person has one key for each use, and each can be destroyed alone.

    CONTENT: what the person wrote or is; destroyed when they are erased. ACCOUNTABILITY: what proves that troth kept
    its word to them (a consent, the erasure itself); destroyed at the end of its own declared period. FIELDS: sealed
    columns of the company's own tables; destroyed when the company says so.
    """

    CONTENT = "content"
    ACCOUNTABILITY = "accountability"
    FIELDS = "fields"


KEY_HANDED_OVER = "key.handed-over"
"""The kind of the leaf with which another key signs the ledger, which the key before signs too."""

KEY_REPLACED = "key.replaced"
"""As `KEY_HANDED_OVER`, where the key before was lost and signs nothing any more."""

KEY_LOST = "key.lost"
"""The kind of the leaf that says that this controller's key was lost: keys of people that it closed are destroyed."""

KEY_DESTROYED = "key.destroyed"
"""The kind of the leaf that says that a person's key was destroyed; its body names the use."""
