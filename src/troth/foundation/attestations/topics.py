"""What can be attested beside whole sentences: one word for each fact that no probe of troth sees.

A sentence may rest on several facts, of which only some can be probed; each of the others has its word here. A check
that takes an attestation names the word; words are never renamed once released.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from troth.errors import UnknownName
from troth.policy.documents import nearest

if TYPE_CHECKING:
    from troth.policy.model import Policy

TOPICS = MappingProxyType(
    {
        "backup-restore": "a backup was put back on trial, and was whole",
        "business-transfer": "no data left with a sold business, or people were told first",
        "clock": "a time service, or who runs the machine, keeps its clock",
        "consent-sharing": "no data are given to others on the ground that people agreed",
        "default-credentials": "no machine or service answers to the password it came with",
        "disk-encryption": "the disks and volumes that hold personal data are encrypted",
        "leavers": "accounts of people who left were closed",
        "legal-demand": "no authority has demanded data, or been given any past the register",
        "open-ports": "the hosts answer on the ports that are meant to be open, and on no other",
        "patches": "updates of the machines are put in within the time that was set",
        "pentest": "somebody from outside tried to get in, and wrote down what was found",
        "postal-address": "a letter to the address arrives",
        "storage-configuration": "the storage is private, encrypted, and stands where the policy says",
        "support-access": "who may sign in to the support tool, and how, is as the policy says",
        "telephone": "somebody answers the telephone",
        "vulnerability-assessment": "the systems were assessed for holes by means that troth does not import",
    }
)


def subject_of(policy: Policy, about: str) -> str:
    """`about` as the register keeps it: a topic, or the id of the sentence that is named by its id or number.

    Raises: UnknownName with the nearest.
    """
    if about in TOPICS:
        return about
    for sentence in policy.sentences:
        if about in {sentence.id, sentence.number}:
            return sentence.id
    names = [*TOPICS, *(sentence.id for sentence in policy.sentences), *policy.by_number]
    shown = f'"{about}"' if len(about) <= 120 and "@" not in about and about.isprintable() else "this"
    raise UnknownName(
        f"{shown} is no sentence of the policy and no topic that can be attested.",
        where=policy.file,
        expected=f"a sentence's number or id, or one of: {', '.join(TOPICS)}",
        nearest=nearest(about, names),
    )
