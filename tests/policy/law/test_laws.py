from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest

from troth.errors import DeclarationFaults, UnknownName
from troth.policy import reading
from troth.policy.law import deadlines, laws
from troth.policy.law.laws import law, parse_law
from troth.policy.law.provisions import Confidence, Duty, FurtherRight, Scope
from troth.policy.law.table import known_laws
from troth.policy.vocabulary import LegalBasis, Right

MADE_UP = """
law: made-up
name: Act of a Made-up Country
short: MUA
source: https://law.example.org/
checked_on: 2026-11-22
requests:
  answer: {within: 5 calendar days, article: s. 1%s}
  extension: {by: 5 calendar days, told_within: 5 calendar days, article: s. 2}
rights:
  access: {article: s. 3}
"""


def test_the_laws_a_policy_may_name_are_those_of_the_table() -> None:
    head = "troth: 1\ncontroller: {name: Example Company, country: IE}\nlaws: "

    assert reading.parse(f"{head}[{', '.join(known_laws())}]\n".encode()).laws == known_laws()
    with pytest.raises(DeclarationFaults, match="atlantis"):
        reading.parse(f"{head}[gdpr, atlantis]\n".encode())


@pytest.mark.parametrize("name", known_laws())
def test_every_law_of_the_table_can_be_read_and_cites_its_source(name: str) -> None:
    read = law(name)

    assert read.id == name
    assert read.source.startswith(("https://", "http://www.npc.gov.cn/"))
    assert read.authorities
    assert read.rights
    assert read.handling.answer.article
    assert all(entitlement.article for entitlement in read.rights.values())
    assert all(provision.article for provision in (*read.duties.values(), *read.further_rights.values()))
    assert read.checked_on > dt.date(2026, 1, 1)


@pytest.mark.parametrize(
    ("name", "lacking"),
    [
        ("gdpr", set()),
        ("uk-gdpr", set()),
        ("pipl", set()),
        ("lgpd", set()),
        ("ccpa", {Right.RESTRICTION}),
        ("virginia", {Right.RESTRICTION}),
        ("pipeda", {Right.RESTRICTION, Right.PORTABILITY, Right.OBJECTION}),
        ("quebec", {Right.RESTRICTION, Right.OBJECTION}),
        ("india", {Right.RESTRICTION, Right.PORTABILITY, Right.OBJECTION}),
    ],
)
def test_which_rights_exist_is_told_by_law(name: str, lacking: set[Right]) -> None:
    assert set(Right) - set(law(name).rights) == lacking


def test_an_american_objection_is_only_an_opt_out_and_asks_for_no_proof_of_identity() -> None:
    objection = law("ccpa").rights[Right.OBJECTION]

    assert objection.scope is Scope.OPT_OUT
    assert objection.handling.identity is not None
    assert objection.handling.identity.rule == "none"
    assert objection.handling.extension is None


def test_legitimate_interests_are_no_ground_in_china_or_india() -> None:
    for name, known in {"gdpr": True, "lgpd": True, "pipl": False, "india": False}.items():
        bases = law(name).bases
        assert bases is not None
        assert (LegalBasis.LEGITIMATE_INTERESTS in bases) is known, name
    assert law("ccpa").bases is None


def test_silence_is_a_refusal_in_quebec() -> None:
    assert [name for name in known_laws() if law(name).silence] == ["quebec"]


def test_duties_and_further_rights_are_cited_with_the_law() -> None:
    pipl = law("pipl")

    assert pipl.cite(pipl.duties[Duty.TRANSFERS].article) == "PIPL Art. 39"
    assert pipl.cite(pipl.further_rights[FurtherRight.EXPLANATION].article) == "PIPL Art. 48"


def test_a_day_still_to_be_confirmed_is_not_relied_on() -> None:
    assert law("india").in_force is None
    assert law("india").binds(dt.date(2026, 11, 22))


def test_a_sure_first_day_is_kept_and_nothing_is_due_by_the_law_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = MADE_UP % "" + "in_force: {from: 2027-01-01}\n"
    read = parse_law(text.encode(), "made-up.yaml")

    assert not read.binds(dt.date(2026, 12, 31))
    assert read.binds(dt.date(2027, 1, 1))
    monkeypatch.setattr(deadlines, "law_of", lambda _: read)
    before = deadlines.response_due(dt.datetime(2026, 12, 1, tzinfo=dt.UTC), "made-up", Right.ACCESS)
    after = deadlines.response_due(dt.datetime(2027, 1, 1, tzinfo=dt.UTC), "made-up", Right.ACCESS)
    assert (before.set_by, after.set_by) == ("house", "law")


def test_an_unconfirmed_number_is_read_and_never_counted_with(monkeypatch: pytest.MonkeyPatch) -> None:
    read = parse_law((MADE_UP % ", confidence: check").encode(), "made-up.yaml")
    received = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)

    assert read.handling.answer.confidence is Confidence.CHECK
    monkeypatch.setattr(deadlines, "law_of", lambda _: read)
    found = deadlines.response_due(received, "made-up", Right.ACCESS)
    assert (found.set_by, found.day) == ("house", dt.date(2026, 11, 12))
    assert deadlines.extended_due(received, "made-up", Right.ACCESS) is None


def test_an_unknown_law_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        laws.laws_of(("gdpr", "pippl"))

    assert 'Did you mean "pipl"?' in str(caught.value)


@pytest.mark.parametrize("name", ["../gdpr", "gdpr.yaml", "", "GDPR"])
def test_a_name_that_is_no_law_opens_no_file(name: str) -> None:
    with pytest.raises(UnknownName):
        law(name)


def test_everything_wrong_in_a_law_is_told_at_once_with_its_place() -> None:
    text = (MADE_UP % "").replace("5 calendar days, article", "5 moons, article").replace("access:", "acces:")
    text = text.replace("short: MUA\n", "") + "duties:\n  transfers: {artcle: s. 4}\n"

    with pytest.raises(DeclarationFaults) as caught:
        parse_law(text.encode(), "made-up.yaml")

    told = str(caught.value)
    assert '"short" is missing' in told
    assert "'5 moons' is not a legal period" in told
    assert 'Did you mean "access"?' in told
    assert 'Did you mean "article"?' in told


def test_an_extension_in_another_unit_than_the_answer_is_a_fault() -> None:
    text = (MADE_UP % "").replace("by: 5 calendar days", "by: 1 calendar month")

    with pytest.raises(DeclarationFaults, match="unit of the answer"):
        parse_law(text.encode(), "made-up.yaml")


def test_the_law_is_read_without_the_web_or_the_model_library() -> None:
    code = (
        "import sys; from troth.policy.law import deadlines, authorities; authorities.authorities_for(laws=['gdpr']);"
        "print([name for name in ('pydantic', 'starlette', 'sqlalchemy') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
