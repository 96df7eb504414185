"""The closed words of a privacy policy: what data, why, on what ground, which right.

Terms and IRIs are those of the W3C Data Privacy Vocabulary (DPV 2); the fideslang key stands beside each so
that other people's manifests can be read. A category is written `family.member`; `family.*` means all of a family.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

DPV = "https://w3id.org/dpv#"
PD = "https://w3id.org/dpv/pd#"
EU_GDPR = "https://w3id.org/dpv/legal/eu/gdpr#"


class LegalBasis(StrEnum):
    """The six grounds of GDPR Art. 6(1); one of them carries each use of data."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal-obligation"
    LEGITIMATE_INTERESTS = "legitimate-interests"
    VITAL_INTERESTS = "vital-interests"
    PUBLIC_TASK = "public-task"


class Right(StrEnum):
    """The rights of the person (GDPR Art. 15 to 21), by the word used in commands and files."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"


class Source(StrEnum):
    """Where a datum comes from (Art. 13, 14; DPV `hasDataSource`)."""

    PROVIDED = "provided"
    OBSERVED = "observed"
    DERIVED = "derived"
    RECEIVED = "received"


class CookieCategory(StrEnum):
    """The four kinds of cookie that the visitor chooses between."""

    ESSENTIAL = "essential"
    PERFORMANCE = "performance"
    FUNCTIONAL = "functional"
    MARKETING = "marketing"


class Circumstance(StrEnum):
    """The closed list of reasons for which data may leave the company."""

    PROCESSOR = "processor"
    LEGAL_DEMAND = "legal-demand"
    BUSINESS_TRANSFER = "business-transfer"
    CONSENT = "consent"


class Channel(StrEnum):
    """The ways to reach the company that section 9 may promise."""

    MAIL = "mail"
    POST = "post"
    PHONE = "phone"
    OFFICER = "officer"


class Measure(StrEnum):
    """Technical and organisational measures (GDPR Art. 32) that a clause may promise."""

    TLS = "tls"
    ACCESS_CONTROL = "access-control"
    AUDITS = "audits"
    TRAINING = "training"
    INFRASTRUCTURE = "infrastructure"


class Safeguard(StrEnum):
    """What is done to data before a recipient gets it."""

    TOKENS_ONLY = "tokens-only"
    ANONYMISED = "anonymised"
    ENCRYPTED = "encrypted"
    MASKED = "masked"


@dataclass(frozen=True, slots=True)
class DataCategory:
    """One kind of personal data. `iri` is its DPV concept, `fides` the nearest fideslang key."""

    id: str
    label: str
    iri: str
    fides: str
    special: bool = False

    @property
    def family(self) -> str:
        """The part before the dot: `contact` of `contact.email`."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Purpose:
    """One use that data may be put to. A policy may declare purposes of its own beside these."""

    id: str
    label: str
    iri: str
    fides: str


def _categories() -> Iterable[DataCategory]:
    def of(name: str, label: str, pd: str, fides: str, *, special: bool = False) -> DataCategory:
        return DataCategory(name, label, (DPV if pd == "PersonalData" else PD) + pd, fides, special)

    return (
        of("account.id", "Account number", "Identifying", "user.unique_id"),
        of("account.username", "Username", "Username", "user.account.username"),
        of("account.password", "Password", "Password", "user.authorization.password"),
        of("account.settings", "Settings", "Preference", "user.account.settings"),
        of("account.role", "Role in the service", "Identifying", "user.account"),
        of("contact.email", "E-mail address", "EmailAddress", "user.contact.email"),
        of("contact.phone", "Phone number", "TelephoneNumber", "user.contact.phone_number"),
        of("contact.fax", "Fax number", "TelephoneNumber", "user.contact.fax_number"),
        of("contact.address", "Postal address", "PhysicalAddress", "user.contact.address"),
        of("contact.url", "Web address", "Contact", "user.contact.url"),
        of("contact.organisation", "Organisation", "Professional", "user.contact.organization"),
        of("profile.name", "Name", "Name", "user.name"),
        of("profile.avatar", "Picture", "Picture", "user.content.public"),
        of("profile.bio", "About the person", "Identifying", "user.content.self_image"),
        of("transaction.purchase", "Purchase history", "PurchasesAndSpendingHabit", "user.behavior.purchase_history"),
        of("transaction.payment_method", "Payment method", "PaymentCard", "user.payment"),
        of("transaction.billing_address", "Billing address", "PhysicalAddress", "user.contact.address"),
        of("payment.token", "Payment token", "PaymentCard", "user.payment"),
        of("payment.card_number", "Card number", "PaymentCardNumber", "user.financial.credit_card"),
        of("payment.card_code", "Card security code", "PaymentCard", "user.financial.credit_card"),
        of("payment.bank_account", "Bank account", "BankAccount", "user.financial.bank_account"),
        of("communication.message", "Messages", "Communication", "user.content.private"),
        of("communication.feedback", "Feedback", "Communication", "user.content.public"),
        of("communication.newsletter", "Newsletters sent", "Communication", "user.content.private"),
        of("device.type", "Device type", "DeviceBased", "user.device"),
        of("device.os", "Operating system", "DeviceOperatingSystem", "user.device"),
        of("device.browser", "Browser type", "DeviceSoftware", "user.device"),
        of("device.user_agent", "Browser identification", "BrowserFingerprint", "user.device"),
        of("device.id", "Device number", "UID", "user.device.device_id"),
        of("device.fingerprint", "Device fingerprint", "BrowserFingerprint", "user.device"),
        of("device.ip", "IP address", "IPAddress", "user.device.ip_address"),
        of("device.cookie", "Cookie number", "DeviceBased", "user.device.cookie_id"),
        of("usage.visit_time", "Time of access", "Behavioral", "user.behavior"),
        of("usage.page", "Pages viewed", "BrowsingBehavior", "user.behavior.browsing_history"),
        of("usage.click", "Clicks", "BrowsingBehavior", "user.behavior"),
        of("usage.search", "Searches", "BrowsingBehavior", "user.behavior.search_history"),
        of("usage.interaction", "Interaction", "Behavioral", "user.behavior"),
        of("location.approximate", "Approximate location", "Location", "user.location.imprecise"),
        of("location.precise", "Exact location", "GPSCoordinate", "user.location.precise"),
        of("identity.birth_date", "Date of birth", "BirthDate", "user.demographic.date_of_birth"),
        of("identity.birth_place", "Place of birth", "BirthPlace", "user.demographic"),
        of("identity.gender", "Gender", "Gender", "user.demographic.gender"),
        of("identity.age", "Age", "Age", "user.demographic.age_range"),
        of("identity.nationality", "Nationality", "Nationality", "user.demographic.citizenship"),
        of("identity.language", "Language", "Language", "user.demographic.language"),
        of("identity.marital_status", "Marital status", "MaritalStatus", "user.demographic.marital_status"),
        of("identity.national_id", "National identity number", "OfficialID", "user.government_id"),
        of("identity.passport", "Passport", "Passport", "user.government_id.passport_number"),
        of("identity.tax_number", "Tax number", "OfficialID", "user.government_id"),
        of("identity.licence", "Driving licence", "DrivingLicense", "user.government_id.drivers_license_number"),
        of("work.job_title", "Job title", "JobTitle", "user.job_title"),
        of("work.employment", "Employment", "EmploymentHistory", "user.workplace"),
        of("work.salary", "Salary", "Salary", "user.financial"),
        of("education.record", "Education", "Education", "user.workplace"),
        of("family.relation", "Family", "Family", "user.demographic"),
        of("note.about", "Notes about the person", "Opinion", "user.content"),
        of("content.authored", "Writing published", "Communication", "user.content.public"),
        of("health.record", "Health", "Health", "user.health_and_medical", special=True),
        of("biometric.template", "Biometric data", "Biometric", "user.biometric", special=True),
        of("genetic.data", "Genetic data", "Genetic", "user.biometric", special=True),
        of("origin.ethnic", "Ethnic origin", "EthnicOrigin", "user.demographic.race_ethnicity", special=True),
        of("belief.religion", "Religion", "Religion", "user.demographic.religious_belief", special=True),
        of(
            "belief.politics",
            "Political opinion",
            "PoliticalAffiliation",
            "user.demographic.political_opinion",
            special=True,
        ),
        of("union.membership", "Trade union membership", "TradeUnionMembership", "user.workplace", special=True),
        of(
            "sexuality.orientation",
            "Sexual orientation",
            "SexualPreference",
            "user.demographic.sexual_orientation",
            special=True,
        ),
        of("criminal.record", "Criminal record", "CriminalConviction", "user.criminal_history", special=True),
    )


def _purposes() -> Iterable[Purpose]:
    def of(name: str, label: str, dpv: str, fides: str) -> Purpose:
        return Purpose(name, label, DPV + dpv, fides)

    return (
        of("service.provide", "Provide the service", "ServiceProvision", "essential.service"),
        of("service.improve", "Improve the service", "OptimisationForController", "functional.service.improve"),
        of(
            "transactions",
            "Carry out orders and payments",
            "FulfilmentOfContractualObligation",
            "essential.service.payment_processing",
        ),
        of("notices", "Notices about an order", "CommunicationForCustomerCare", "essential.service.notifications"),
        of("support", "Customer support", "CustomerCare", "essential.service.operations.support"),
        of("marketing", "Marketing messages", "DirectMarketing", "marketing.communications"),
        of("analytics", "Analysis of how the service is used", "ServiceUsageAnalytics", "analytics.reporting"),
        of("research", "Market research", "ResearchAndDevelopment", "analytics"),
        of("personalisation", "Personalisation", "ServicePersonalisation", "personalize"),
        of("advertising", "Advertising", "TargetedAdvertising", "marketing.advertising"),
        of("fraud", "Finding and stopping fraud", "FraudPreventionAndDetection", "essential.fraud_detection"),
        of("security", "Security and technical faults", "EnforceSecurity", "essential.service.security"),
        of("legal", "Duties under law", "LegalCompliance", "essential.legal_obligation"),
        of("terms", "Enforcing the terms of service", "LegalCompliance", "essential.legal_obligation"),
        of("storage", "Storing data", "ServiceProvision", "essential.service.operations"),
    )


CATEGORIES = MappingProxyType({category.id: category for category in _categories()})
PURPOSES = MappingProxyType({purpose.id: purpose for purpose in _purposes()})

BASIS_IRIS = MappingProxyType(
    {
        LegalBasis.CONSENT: EU_GDPR + "A6-1-a",
        LegalBasis.CONTRACT: EU_GDPR + "A6-1-b",
        LegalBasis.LEGAL_OBLIGATION: EU_GDPR + "A6-1-c",
        LegalBasis.VITAL_INTERESTS: EU_GDPR + "A6-1-d",
        LegalBasis.PUBLIC_TASK: EU_GDPR + "A6-1-e",
        LegalBasis.LEGITIMATE_INTERESTS: EU_GDPR + "A6-1-f",
    }
)
RIGHT_IRIS = MappingProxyType(
    {
        Right.ACCESS: EU_GDPR + "A15",
        Right.RECTIFICATION: EU_GDPR + "A16",
        Right.ERASURE: EU_GDPR + "A17",
        Right.RESTRICTION: EU_GDPR + "A18",
        Right.PORTABILITY: EU_GDPR + "A20",
        Right.OBJECTION: EU_GDPR + "A21",
    }
)


def is_pattern(name: str) -> bool:
    """Whether `name` is a category, or a family written `family.*`, of this vocabulary."""
    if name.endswith(".*"):
        return any(category.family == name[:-2] for category in CATEGORIES.values())
    return name in CATEGORIES


def matches(pattern: str, category: str) -> bool:
    """Whether `category` is the one named by `pattern`, or belongs to the family it names."""
    return pattern == category or (pattern.endswith(".*") and category.startswith(pattern[:-1]))


def expand(patterns: Iterable[str]) -> tuple[str, ...]:
    """All categories that `patterns` name, in the order of the vocabulary, each once."""
    wanted = tuple(patterns)
    return tuple(name for name in CATEGORIES if any(matches(pattern, name) for pattern in wanted))
