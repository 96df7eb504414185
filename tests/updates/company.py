"""A made-up company's policy for the tests of section 8, as text that a test can change."""

from __future__ import annotations

from tests.policies import text_of
from troth.policy import reading
from troth.policy.model import Policy

BODY = """
lead: We keep your data well.
collection:
  number: "1"
  title: Collection
  text: We collect what you give us.
  account: {label: Account, text: Including user name and e-mail, data: [account.username, contact.email]}
use:
  number: "2"
  title: Use
  mailing:
    text: We send letters if you agree.
    uses: [{purpose: marketing, data: [contact.email], basis: consent, opt_out: at-once}]
  serving:
    text: We provide the service.
    uses: [{purpose: service.provide, data: [account.username], basis: contract}]
protection:
  number: "3"
  title: Protection
  periods: {account: {data: [account.*, contact.*], after: account-closed, keep: 30 days}}
  sentences:
    a: We keep data only as long as needed.
    b: We do not sell data.
sharing:
  number: "4"
  title: Sharing
  text: "We work with:"
  columns: [Who, Why]
  mail:
    cells: [Mail sender, Sends letters]
    safeguard: masked
    recipients: [{name: Example Mail, purpose: marketing, data: [contact.email], country: DE}]
rights:
  number: "5"
  title: Rights
  text: "You have rights:"
  access: {number: "5.1", title: Access, text: You may see your data., right: access}
cookies:
  number: "6"
  title: Cookies
  essential:
    text: Needed for log-in.
    category: essential
    items: [{name: shop_session, life: 30 days, purpose: service.provide}]
updates:
  number: "8"
  title: Updates
  notice: {material: 30 days, by: [page]}
  review: 12 months
  sentences:
    a: We may update this policy from time to time.
    b: We will notify you of significant changes on this page.
  history:
    number: "8.1"
    title: Version History
    last-updated: {label: Last Updated, text: "2026-11-22", updated: 2026-11-22}
    effective-date: {label: Effective Date, text: "2026-11-22", effective: 2026-11-22}
"""


def data_of(*changes: tuple[str, str], laws: str = "[gdpr]") -> bytes:
    """The file with some words replaced; a word that is not there is a fault of the test."""
    body = BODY
    for old, new in changes:
        assert old in body, old
        body = body.replace(old, new)
    return text_of(body, laws=laws, country="IE", zone="Europe/Dublin")


def policy(*changes: tuple[str, str], laws: str = "[gdpr]") -> Policy:
    return reading.parse(data_of(*changes, laws=laws), "policy.yaml")


def dated(updated: str, effective: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two changes that set the stated days."""
    return (
        ('text: "2026-11-22", updated: 2026-11-22', f'text: "{updated}", updated: {updated}'),
        ('text: "2026-11-22", effective: 2026-11-22', f'text: "{effective}", effective: {effective}'),
    )
