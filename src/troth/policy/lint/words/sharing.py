"""Who receives data, when, where they are, and what is done to the data before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from troth.policy.lint.words.phrases import names, words

SHARES = words(
    r"""
    \bshar(?:e|ed|es|ing)\b
    \bdisclos
    \bpass(?:ed)? on\b
    \bprovide[sd]? (?:\w+ ){0,4}to\b
    \btransfer
    \bgive[ns]?\b
    \brelease
    """
)
DENIES_SHARING = words(
    r"""
    \b(?:do|does|will|shall) (?:\w+ )?(?:not|never) (?:\w+,? ){0,6}(?:or )?(?:share|disclose|pass|transfer|
        provide|give|release)\b
    \b(?:don|won)'t (?:\w+,? ){0,6}(?:or )?(?:share|disclose|pass|transfer|provide|give|release)\b
    \bnever (?:\w+,? ){0,6}(?:or )?(?:share|disclose|pass|transfer|provide|give|release)\b
    \b(?:is|are|will|shall) (?:not|never) (?:be )?(?:\w+ ){0,3}(?:shared|disclosed|passed|transferred|given|released)\b
    \b(?:nobody|no one|no-one) (?:\w+ ){0,4}(?:gets|receives|sees) (?:\w+ ){0,2}(?:data|information|details)\b
    """
)
DENIES_PARTLY = words(
    r"""
    \bfor (?:\w+ ){0,4}(?:advertis|marketing|their own|cross-context|money|profit|commercial)
    \bsell(?:,| or|, or) share\b(?![^.]*\b(?:third part|anyone|others|anybody)\b)
    """
)
"""A denial of sharing for one purpose, or of the "sale or sharing" that California defines, denies no other sharing."""
POINTS_TO_LIST = words(
    r"""
    \b(?:except|other than|unless|apart from|besides|outside)\b[^.]{0,80}\b(?:below|describ|set out|section|
        listed|named|following|this policy|these|cases)\b
    \bonly (?:in|with|as)\b[^.]{0,60}\b(?:below|describ|listed|named|following|these|cases|section)\b
    \b(?:following|below)\b
    """
)
CIRCUMSTANCES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "service providers": words(
            r"""
            \bservice providers?\b
            \bvendors?\b
            \bprocessors?\b
            \bsuppliers?\b
            \bcontractors?\b
            \bthird[- ]part(?:y|ies) who (?:help|may access)
            \bcompanies that (?:help|work)
            """
        ),
        "a merger or sale": words(
            r"""
            \bmerger
            \bacquisition
            \basset sale
            \bsale of (?:our|the|all|its|part)
            \bbusiness transfer
            \breorgani[sz]ation
            \bbankruptcy
            \binsolvency
            """
        ),
        "affiliates": words(
            r"""
            \baffiliate
            \bsubsidiar
            \bgroup compan
            \bour (?:parent|sister) compan
            """
        ),
        "partners": words(
            r"""
            \b(?:business|marketing|advertising) partners?\b
            \badvertisers?\b
            \bsponsors?\b
            """
        ),
    }
)
ABROAD = words(
    r"""
    \b(?:outside|inside|within) (?:of )?(?:the )?(?:EU|EEA|E\.?U\.?|European|UK|United Kingdom|
        United States|China|mainland|Switzerland|Brazil|Canada|Japan|Korea|India|Qu.bec|
            your (?:own )?(?:country|jurisdiction|region|home))
    \babroad\b
    \boverseas\b
    \bcross-border\b
    \binternational(?:ly)? (?:data )?transfer
    \bthird countr
    \b(?:other|another|different|which|these|those|two|three|several) countr
    \bcountr(?:y|ies) (?:in which|where|other than|outside)
    \bstandard contractual clauses\b
    \badequacy\b
    \b(?:leave|leaves|left) (?:the )?(?:country|EU|EEA|European|UK|United|China|mainland)\b
    \btransfer(?:red|s)?\b[^.]{0,60}\bcountr
    """
)
TRANSFER_SAFEGUARD = words(
    r"""
    \bstandard contract
    \badequa
    \bsafeguards?\b
    \bbinding corporate\b
    \bcertifi
    \bsecurity assessment\b
    \bseparate consent\b
    \bexplicit consent\b
    \bData Privacy Framework\b
    \btransfer agreement\b
    """
)
ANONYMOUS = words(
    r"""
    \banonymi[sz]
    \banonym(?:ous|ity)
    \bde-?identif
    """
)
ABOUT_PERSONS = words(
    r"""
    \buser behaviou?r
    \bbehaviou?r of (?:users|visitors|customers|each)
    \b(?:individual|each|per|single) (?:user|visitor|person|customer|device)s?\b
    \bhash
    \bpseudonym
    \b(?:user|device|customer|visitor|advertising|cookie) (?:id|identifier|number)s?\b
    \bfull IP\b
    \bprofiles?\b
    \bacross (?:sites|visits|devices|sessions)
    \btrack
    """
)
TRULY_ANONYMOUS = words(
    r"""
    \baggregat
    \b(?:cannot|can no longer|can not|no longer) (?:\w+ ){0,4}(?:singled out|linked|traced|identif|
        recogni[sz]ed|attributed|re-identif)
    \bnobody can\b
    \bno (?:person|one|individual|user|visitor) can\b
    \b(?:not|never) (?:called |treated as |considered )?anonym
    """
)
SELLS = words(
    r"""
    \b(?:sell|sells|sold|selling)\b
    \bsale (?:or sharing )?of (?:your |personal |any )
    """
)
SALE_DENIED = words(
    r"""
    \b(?:not|never|neither)\b[^.]{0,40}\b(?:sell|sold|selling|sale)\b
    \b(?:don|haven|won)'t (?:sell|sold)\b
    \bno(?:body)? (?:sale|one sells)\b
    """
)
TWELVE_MONTHS = words(
    r"""
    \b(?:12|twelve) (?:\(12\) )?months\b
    \b(?:last|past|preceding|previous) year\b
    """
)
CHOICES_LINK = words(
    r"""
    \byour privacy choices\b
    \bdo not sell (?:or share )?my\b
    \bopt[- ]out (?:link|page|form|preference)
    """
)
COMPANY = words(
    r"""
    \b(?:Inc|LLC|Ltd|Limited|GmbH|Corp|Corporation|PLC|B\.?V|S\.?A\.?S?|S\.?r\.?l|Oy|A/S|Pty|Pte|K\.?K|SE|KG|
        Co)\b\.?(?=[,;:. )|]|$)
    \b[\w-]+\.(?:com|org|net|io|eu|de|fr|cn|uk|ch|nl)\b
    https?://
    """
)
"""A form of company, or an address: who carries it is named."""
LISTED_ELSEWHERE = words(
    r"""
    \b(?:list|register|table|names) of (?:all |our |these |the )*(?:recipients|sub-?processors|processors|
        service providers|providers|partners|third parties)[^.]{0,60}(?:https?://|\bat\b|\bon\b|\bpage\b|\bbelow\b|
        \bunder\b|\bsection\b)
    """
)
RECIPIENT_KINDS = words(
    r"""
    \bthird[- ]part
    \brecipients?\b
    \bproviders?\b
    \bprocessors?\b
    \bvendors?\b
    \bpartners?\b
    \bsuppliers?\b
    """
)
NO_NAMES = names(
    """
    access account advertising advertisers advisers advisors accountants affiliates agencies agency analytics and
    auditors authorities backup banks business categories category chat check cloud collection communication companies
    company consultants content contractors country couriers courier credit crm customer customers data database debt
    delivery desk detection developers development email emails engagement enforcement engineers error facilities firm
    firms for fraud functional government group help hosting identity in infrastructure insurance insurers internet it
    law lawyers legal logistics mail mailing maintenance management market marketing media merchants messaging mobile
    monitoring network networks newsletter of online operations or other others our parties partner partners party
    payment payments performance personalisation personalization phone platform platforms postal processing processor
    processors product professional protection provider providers public purpose recipient recipients regulators
    research sales search security server servers service services sharing shipping site social software storage
    subprocessors subsidiaries supplier suppliers support survey surveys system systems tax technical technology the
    third ticketing to tool tools tracking type types user users vendor vendors video warehouse warehouses we web
    website with your
    """
)
"""Words that are written with a capital in headings and tables, and name nobody."""
