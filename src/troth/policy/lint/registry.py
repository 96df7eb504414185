"""What a lint rule is, what it finds, and the list of all of them.

A rule is a function from the published page to flaws, registered by `@rule`. Its docstring is its page in the
documentation: what it finds, what it does not find, and the repair with before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from troth.policy.law.laws import law
from troth.policy.law.provisions import Duty, Law
from troth.policy.law.table import known_laws
from troth.policy.lint.page import Page, Place


class Level(StrEnum):
    """How much a finding matters: a duty of law is broken, a promise is weak, or something is worth a look."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong, as a rule sees it. `level` and `reference` are the rule's unless said here."""

    place: Place
    message: str
    repair: str
    level: Level | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One finding of `troth lint`: which rule, where, what is wrong, by which article, and what to write instead.

    `fault` is the number of the fault in the list of known faults of the example policy, None for others. `clause` is
    the id of the sentence or clause, `number` the one printed, `line` counts from 1 in the policy's file.
    """

    rule: str
    fault: int | None
    clause: str
    number: str
    line: int
    level: Level
    message: str
    reference: str
    repair: str


Find = Callable[[Page], Iterable[Flaw]]
OWN_WORD = "the policy's own word"
"""What a rule rests on that only holds a policy to itself."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One registered rule. `duty` is the duty of law that it guards: it runs where a law of the policy has it.

    `under` names articles by law instead, for a rule that guards no duty to inform. `rests_on` is what the rule rests
    on without such a law; a rule that has it runs under every law.
    `reads_words` tells a rule about the published words, which can be judged only in a language that troth reads.
    """

    id: str
    title: str
    level: Level
    find: Find
    fault: int | None
    duty: Duty | None
    under: Mapping[str, str]
    rests_on: str
    reads_words: bool

    @property
    def laws(self) -> tuple[str, ...]:
        """The laws under which alone this rule runs; empty where it runs under every law."""
        return () if self.rests_on else tuple(name for name in known_laws() if self.article(law(name)))

    @property
    def reference(self) -> str:
        """The articles of all laws that the rule rests on, or what it rests on else."""
        return self.cite(law(name) for name in known_laws()) or self.rests_on

    def article(self, of: Law) -> str | None:
        """The article of that law, or None where the law has no such duty."""
        if self.duty is not None and self.duty in of.duties:
            return of.duties[self.duty].article
        return self.under.get(of.id)

    def cite(self, laws: Iterable[Law]) -> str:
        """The articles of these laws: "GDPR Art. 13(1)(f); PIPL Art. 39"."""
        return "; ".join(each.cite(article) for each in laws if (article := self.article(each)))

    def applies(self, page: Page) -> bool:
        """Whether the rule has something to say about this page."""
        if self.reads_words and not page.readable:
            return False
        return bool(self.rests_on or self.cite(page.laws))

    def findings(self, page: Page) -> Iterator[LintFinding]:
        """What the rule finds on the page; nothing where it does not apply."""
        if not self.applies(page):
            return
        reference = self.cite(page.laws) or self.rests_on
        for flaw in self.find(page):
            yield LintFinding(
                self.id,
                self.fault,
                flaw.place.clause,
                flaw.place.number,
                flaw.place.line,
                flaw.level or self.level,
                flaw.message,
                flaw.reference or reference,
                flaw.repair,
            )


REGISTRY: dict[str, Rule] = {}
NO_ARTICLES: Mapping[str, str] = MappingProxyType({})


def gdpr(article: str) -> Mapping[str, str]:
    """`under` for an article that stands in the GDPR and under the same number in its British form."""
    return MappingProxyType({"gdpr": article, "uk-gdpr": article})


def rule(
    rule_id: str,
    title: str,
    *,
    level: Level = Level.ERROR,
    fault: int | None = None,
    duty: Duty | None = None,
    under: Mapping[str, str] = NO_ARTICLES,
    rests_on: str = "",
    reads_words: bool = True,
) -> Callable[[Find], Find]:
    """Register a function as the rule of that id.

    Raises: ValueError when the id is taken, or when nothing says what the rule rests on.
    """

    def register(find: Find) -> Find:
        if rule_id in REGISTRY:
            raise ValueError(f"two lint rules are called {rule_id}")
        if not (duty or under or rests_on):
            raise ValueError(f"the lint rule {rule_id} rests on nothing")
        REGISTRY[rule_id] = Rule(rule_id, title, level, find, fault, duty, under, rests_on, reads_words)
        return find

    return register
