"""The course in the console, and the door that it opens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.rights.desks import ADA, Office, found_office
from tests.rights.site import browser, sign_in_staff, site_of, submit
from tests.use.company import POLICY
from troth.foundation.roles import Role
from troth.policy.vocabulary import Right
from troth.protection.training import certificates, course

HERE = "/console/training"
PROMISE = """\
protection:
  number: "3"
  title: Protection
  training: {text: We train our staff., measure: training, every: 12 months}
"""
PERSONAL = ("/console/requests", "/console/requests/new")
OPEN = ("/console", "/console/sentences", "/console/policy", "/console/breaches", HERE, f"{HERE}/chapters/breaches")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path, policy=POLICY + PROMISE) as made:
        yield made


@pytest.fixture
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


def signed_in(office: Office, site: Any, role: Role) -> httpx.Client:
    page = browser(site)
    sign_in_staff(office, page, role)
    return page


def pass_the_quiz(page: httpx.Client, *, right: bool = True) -> httpx.Response:
    shown = submit(page, HERE, f"{HERE}/quiz")
    known = course.load().questions()
    given = {}
    for question in set(re.findall(r'name="([a-z-]+-[0-9]+)"', shown.text)):
        labels = re.findall(rf'name="{question}" value="([0-9])" required> (.*?)</label>', shown.text)
        texts = {answer: value for value, answer in labels}
        assert set(texts) == {str(_escaped(each)) for each in known[question].answers}
        given[question] = texts[_escaped(known[question].answers[0 if right else 1])]
    assert len(given) == course.QUESTIONS
    path = re.search(r'action="(/console/training/quiz/[0-9]+)"', shown.text)
    assert path is not None
    return submit(page, path[1], **given)


def _escaped(text: str) -> str:
    from markupsafe import escape

    return str(escape(text))


@pytest.mark.parametrize("role", [Role.DPO, Role.AGENT])
def test_without_training_peoples_data_stays_shut_and_the_way_to_the_course_stands_open(
    office: Office, site: Any, role: Role
) -> None:
    request = office.file(Right.ACCESS, ADA)
    page = signed_in(office, site, role)

    for path in (*PERSONAL, f"/console/requests/{request.number}"):
        answer = page.get(path)
        assert answer.status_code == 403
        assert f'href="{HERE}"' in answer.text
        assert request.number not in answer.text
    assert {page.get(path).status_code for path in OPEN} == {200}


def test_a_form_sent_without_training_does_nothing(office: Office, site: Any) -> None:
    page = signed_in(office, site, Role.DPO)
    before = office.kinds()
    answer = submit(page, HERE, "/console/requests/new", right="access", kind="email", who=ADA.value)
    assert answer.status_code == 403
    assert office.kinds() == before


def test_a_breach_is_entered_by_somebody_without_training_too(office: Office, site: Any) -> None:
    page = signed_in(office, site, Role.AGENT)
    assert "B2026-0001" in submit(page, "/console/breaches", what="A list went astray.", role="controller").text
    assert page.get("/console/breaches/B2026-0001").status_code == 403


def test_who_passes_sees_data_at_once_and_has_a_certificate(office: Office, site: Any) -> None:
    page = signed_in(office, site, Role.DPO)

    assert "passed" in pass_the_quiz(page).text

    assert page.get("/console/requests").status_code == 200
    assert "10 of 10" in page.get(f"{HERE}/certificate").text
    assert certificates.holds(json.loads(page.get(f"{HERE}/certificate.json").text))


def test_who_fails_is_told_why_and_may_try_again(office: Office, site: Any) -> None:
    page = signed_in(office, site, Role.AGENT)
    answer = pass_the_quiz(page, right=False)
    assert "Try again" in answer.text
    assert answer.text.count("Read the chapter") == course.QUESTIONS
    assert page.get("/console/requests").status_code == 403
    assert page.get(f"{HERE}/certificate").status_code == 404
    assert "passed" in pass_the_quiz(page).text


def test_the_door_shuts_again_when_the_year_is_over(office: Office, site: Any) -> None:
    page = signed_in(office, site, Role.DPO)
    pass_the_quiz(page)
    with office.desk.office.store.writing() as tx:
        tx.exec_driver_sql("update staff set cleared_until = '2026-11-22 06:00:00.000000'")
    assert page.get("/console/requests").status_code == 403


def test_the_register_is_shown_to_those_who_answer_for_it(office: Office, site: Any) -> None:
    shown = {role: "Who is trained" in signed_in(office, site, role).get(HERE).text for role in Role}
    assert shown == {Role.DPO: True, Role.AGENT: False, Role.AUDITOR: True, Role.ADMINISTRATOR: True}
