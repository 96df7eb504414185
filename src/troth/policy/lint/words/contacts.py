"""Who the company is, and gaps that nobody filled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from troth.policy.lint.words.phrases import words

PLACEHOLDER = words(
    r"""
    \bto be (?:filled|added|completed|announced|determined|confirmed|provided|inserted|defined)\b
    \bTB[DAC]\b
    \bTODO\b
    \bFIXME\b
    \blorem ipsum\b
    \binsert (?:\w+ ){0,3}here\b
    \[(?:\w[\w /-]{0,40})\](?!\()
    \{\{[^}]{0,60}\}\}
    <(?:\w[\w ]{0,40})>
    \bX{3,}\b
    \b(?:company|your company|street|your) name here\b
    \byour (?:company|street|city|address) (?:name|here)\b
    \b0{3}[- ]?0{4}\b
    \b000-000
    _{4,}
    \.{5,}
    \?{3,}
    """
)
RESERVED_DOMAIN = words(
    r"""
    (?<![\w-])example\.(?:com|org|net|edu)\b(?!\.\w)
    (?<=[@./])[\w-]+\.(?:example|test|invalid|localhost|local)\b(?!\.\w)
    @localhost\b
    (?<=@)(?:your-?domain|your-?company|your-?site|domain)\.(?:com|org|net)\b
    """
)
"""RFC 2606 and RFC 6761, and names that stand for one's own: nobody reads the company's mail there."""
NAMES_CONTROLLER = words(
    r"""
    \b(?:data )?controller\b
    \bpersonal information (?:handler|processor)\b
    \bresponsible (?:party|entity|body|for (?:the )?processing)\b
    \boperated by\b
    \bprovided by\b
    \bwho we are\b
    "?\bwe"?,? "?us"?
    \bwe are (?-i:[A-Z])
    \bis (?:run|owned|published) by\b
    """
)
COMPLAINT = words(
    r"""
    \bcomplain
    \bsupervisory authorit
    \bdata protection authorit
    \bregulator
    """
)
REPRESENTATIVE = words(
    r"""
    \brepresentative
    """
)
REGIONS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "gdpr": words(
            r"""
            \b(?:EU|EEA)\b
            \bEuropean\b
            \bUnion\b
            """
        ),
        "uk-gdpr": words(
            r"""
            \bUK\b
            \bUnited Kingdom\b
            \bBrit(?:ain|ish)\b
            """
        ),
    }
)
"""How a page names the region of a law that wants a representative there."""
