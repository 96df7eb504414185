"""Run the rules over a policy."""

from __future__ import annotations

import datetime as dt

from troth.policy.lint.page import Page
from troth.policy.lint.registry import REGISTRY, Level, LintFinding, Rule
from troth.policy.lint.rules import (
    contact,
    cookies,
    declared_data,
    declared_page,
    declared_sharing,
    declared_use,
    protection,
    rights,
    sharing,
    silence,
    updates,
    use,
)
from troth.policy.model import Policy

_MODULES = (
    use,
    protection,
    sharing,
    rights,
    cookies,
    updates,
    contact,
    silence,
    declared_page,
    declared_data,
    declared_use,
    declared_sharing,
)
"""Importing a module registers its rules."""

RULES: tuple[Rule, ...] = tuple(REGISTRY[name] for name in sorted(REGISTRY))
"""All rules, by id."""


def lint(policy: Policy, *, today: dt.date) -> tuple[LintFinding, ...]:
    """Everything the rules find in `policy`, in the order of the file, then by rule.

    `today` is the day at the controller; ages of dates and contracts are counted to it.
    Raises: UnknownName where the policy names a law that troth does not know.
    """
    page = Page(policy, today)
    found = [finding for rule in RULES for finding in rule.findings(page)]
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.rule, finding.message)))


def has_errors(findings: tuple[LintFinding, ...]) -> bool:
    """Whether one of the findings is of level error: the exit status of `troth lint`."""
    return any(finding.level is Level.ERROR for finding in findings)
