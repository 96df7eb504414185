"""`troth lint`: the published words against the law and against themselves, and the meaning against itself.

Promise: rules about duties to inform judge the printed words only, whatever the meaning beside them says; rules about
the meaning judge the declarations. Each finding has its place, its article and a repair. `page` is what a rule sees,
`words` the phrases it looks for, `registry` what a rule is, `rules` the rules by section, `linting` runs them.
"""

from __future__ import annotations

from troth.policy.lint.linting import RULES, lint
from troth.policy.lint.registry import Level, LintFinding, Rule

__all__ = ["RULES", "Level", "LintFinding", "Rule", "lint"]
