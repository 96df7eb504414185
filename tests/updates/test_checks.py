"""Section 8: worlds that are kept, broken and unproven, with the real page and the real history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from tests.policies import BROKEN, KEPT, UNPROVEN, example, judge, said, verdicts
from tests.sites import LocalSite, observation, serving
from tests.updates.company import data_of, dated
from tests.updates.pages import Visitor, new_store
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.observation import Observation
from troth.foundation.store import Store
from troth.policy import reading
from troth.testing import FixedClock
from troth.updates import archive, versions
from troth.updates.checks import CHECKS
from troth.updates.tables import policy_versions

NOW = FixedClock().now()


@dataclass
class World:
    """A published policy, its page on a real site, and its history in a real store."""

    folder: Path
    site: LocalSite
    store: Store
    keyring: Keyring
    data: bytes = b""

    @property
    def seen(self) -> Observation:
        policy = reading.parse(self.data, "policy.yaml")
        seen = observation(policy, self.folder, self.site, store=self.store)
        seen.now = self.now
        return seen

    now: dt.datetime = NOW

    def publish(self, *changes: tuple[str, str], laws: str = "[gdpr]", now: dt.datetime = NOW) -> None:
        self.data = data_of(*changes, laws=laws)
        versions.publish(self.store, self.keyring, self.data, reading.parse(self.data, "policy.yaml"), now)
        self.serve()

    def serve(self) -> None:
        """Put on the site what the door shows now."""
        policy = reading.parse(self.data, "policy.yaml")
        visitor = Visitor(policy, self.store, FixedClock())
        for path in ("/privacy", "/privacy/versions"):
            self.site.put(path, visitor.get(path).content)

    def edit_page(self, old: str, new: str, path: str = "/privacy") -> None:
        status, headers, body = self.site.answers[path]
        assert old.encode() in body, old
        self.site.answers[path] = (status, headers, body.replace(old.encode(), new.encode()))

    def tamper(self, statement: object) -> None:
        with self.store.writing() as tx:
            tx.execute(statement)  # type: ignore[call-overload]


@pytest.fixture
def world(site: LocalSite, tmp_path: Path) -> Iterator[World]:
    with new_store(tmp_path) as store:
        made = World(tmp_path, site, store, Keyring.create(tmp_path))
        made.publish()
        yield made


def test_a_published_policy_on_its_page_is_kept(world: World) -> None:
    assert verdicts(CHECKS, world.seen) == {"8a": "kept", "8b": "kept", "8.1a": "kept", "8.1b": "kept"}


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("We do not sell data.", "We sell data.", "sentence 3b has other words"),
        ('<p id="s3b">', '<p id="s3b" hidden>', "sentence 3b is hidden"),
        ('<p id="s3b">', "<p>", "sentence 3b is missing"),
        ('<p id="s3b">', '<p id="s3b">x</p><p id="s3b">', "sentence 3b stands there 2 times"),
        ("</main>", '<p id="s3c">We sell it all.</p></main>', "sentence 3c is none of the policy file"),
        ("Mail sender", "Mail seller", "sentence 4.1 has other words"),
    ],
)
def test_a_page_that_was_edited_breaks_the_first_sentence_only(old: str, new: str, word: str, world: World) -> None:
    world.edit_page(old, new)

    report = judge(CHECKS, world.seen)

    assert report.of("8a").verdict is BROKEN
    assert word in said(report.of("8a"))
    assert [report.of(number).verdict for number in ("8b", "8.1a", "8.1b")] == [KEPT, KEPT, KEPT]


def test_a_file_that_was_edited_and_not_published_is_a_silent_edit(world: World) -> None:
    world.data = data_of(("We do not sell data.", "We do sell data."))
    world.serve()

    report = judge(CHECKS, world.seen)

    assert report.of("8a").verdict is BROKEN
    assert "is not version 1" in said(report.of("8a"))
    assert [report.of(number).verdict for number in ("8b", "8.1a", "8.1b")] == [KEPT, KEPT, KEPT]


def test_a_history_with_other_bytes_a_hole_or_a_step_back_in_time_is_broken(world: World) -> None:
    world.publish(("We provide the service.", "We provide our service."), now=NOW + dt.timedelta(hours=1))
    world.now = NOW + dt.timedelta(hours=2)
    assert verdicts(CHECKS, world.seen)["8a"] == "kept"

    first = policy_versions.c.number == 1
    world.tamper(
        update(policy_versions).where(first).values(bytes=data_of(("We do not sell data.", "We do sell data.")))
    )
    assert "does not have the hash" in said(judge(CHECKS, world.seen).of("8a"))

    world.tamper(update(policy_versions).where(first).values(published_at=NOW + dt.timedelta(days=1)))
    assert "no later than version 1" in said(judge(CHECKS, world.seen).of("8a"))

    world.tamper(delete(policy_versions).where(first))
    assert "version 1: is missing" in said(judge(CHECKS, world.seen).of("8a"))


def test_a_policy_that_was_never_published_is_unproven(world: World) -> None:
    world.tamper(delete(policy_versions))
    world.tamper(delete(ledger_leaves))
    world.serve()

    report = judge(CHECKS, world.seen)

    assert [report.of(number).verdict for number in ("8a", "8b", "8.1b")] == [UNPROVEN] * 3
    assert "troth policy publish" in said(report.of("8a"))


def test_a_site_without_the_policy_breaks_it_and_one_that_is_silent_does_not(world: World) -> None:
    del world.site.answers["/privacy"]
    assert judge(CHECKS, world.seen).of("8a").verdict is BROKEN

    with serving() as gone:
        seen = world.seen
        seen.network = gone.network()
    assert {verdicts(CHECKS, seen)[number] for number in ("8a", "8b", "8.1b")} == {"unproven"}


def test_a_version_that_the_page_of_versions_leaves_out_breaks_the_notice(world: World) -> None:
    world.edit_page('id="version-1"', 'id="other"', "/privacy/versions")

    report = judge(CHECKS, world.seen)

    assert report.of("8b").verdict is BROKEN
    assert report.of("8a").verdict is KEPT


def test_a_material_version_told_in_time_is_kept(world: World) -> None:
    world.publish(("country: DE", "country: US"), *dated("2026-11-22", "2026-12-22"), now=NOW + dt.timedelta(hours=1))
    world.now = NOW + dt.timedelta(hours=2)

    report = judge(CHECKS, world.seen)

    assert [report.of(number).verdict for number in ("8a", "8b", "8.1a", "8.1b")] == [KEPT] * 4
    assert "material and told in time: 1" in said(report.of("8b"))


def test_a_material_version_that_was_slipped_in_is_found_whatever_the_store_claims(world: World) -> None:
    data = data_of(("country: DE", "country: US"))
    policy = reading.parse(data, "policy.yaml")
    row = {
        "number": 2, "file": "policy.yaml", "bytes": data, "sha256": policy.sha256,
        "published_at": NOW + dt.timedelta(hours=1), "effective": dt.date(2026, 11, 22),
        "updated": dt.date(2026, 11, 22), "material": False, "changes": "[]",
    }  # fmt: skip
    world.tamper(policy_versions.insert().values(**row))
    world.data = data
    world.serve()
    world.now = NOW + dt.timedelta(hours=2)

    report = judge(CHECKS, world.seen)

    assert report.of("8b").verdict is BROKEN
    assert "with its notice it might from 2026-12-22" in said(report.of("8b"))
    assert "posted as editorial" in said(report.of("8b"))
    assert report.of("8.1b").verdict is BROKEN
    assert "version 2: no entry in the ledger says that it was published" in said(report.of("8a"))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"published_at": NOW - dt.timedelta(days=90)}, "version 1: is not what its entry in the ledger says"),
        ({"material": True}, "version 1: is not what its entry in the ledger says"),
        (None, "version 1: was published, by the ledger, and is not in the history"),
    ],
)
def test_a_history_that_the_ledger_tells_otherwise_is_broken(
    world: World, values: dict[str, object] | None, word: str
) -> None:
    world.tamper(delete(policy_versions) if values is None else update(policy_versions).values(**values))

    report = judge(CHECKS, world.seen)

    assert report.of("8a").verdict is BROKEN
    assert word in said(report.of("8a"))


def test_an_old_policy_is_stale_after_its_review_and_not_before(world: World) -> None:
    world.now = dt.datetime(2027, 11, 21, 12, tzinfo=dt.UTC)
    assert judge(CHECKS, world.seen).of("8.1a").verdict is KEPT

    world.now = dt.datetime(2027, 11, 23, 12, tzinfo=dt.UTC)
    report = judge(CHECKS, world.seen)
    assert report.of("8.1a").verdict is BROKEN
    assert report.of("8a").verdict is KEPT


def test_californian_law_wants_a_yearly_look_where_nothing_is_promised(world: World) -> None:
    world.data = data_of(("  review: 12 months\n", ""))
    world.now = dt.datetime(2028, 11, 22, tzinfo=dt.UTC)
    assert judge(CHECKS, world.seen).of("8.1a").verdict is KEPT

    world.data = data_of(("  review: 12 months\n", ""), laws="[ccpa]")
    assert judge(CHECKS, world.seen).of("8.1a").verdict is BROKEN


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (
            'text: "2026-11-22", updated: 2026-11-22',
            'text: "2026-11-21", updated: 2026-11-22',
            "the words say 2026-11-21",
        ),
        ('text: "2026-11-22", updated: 2026-11-22', 'text: "2027-01-01", updated: 2027-01-01', "still to come"),
    ],
)
def test_a_day_of_change_that_is_not_true_is_broken(old: str, new: str, word: str, world: World) -> None:
    world.data = data_of((old, new))

    sentence = judge(CHECKS, world.seen).of("8.1a")

    assert sentence.verdict is BROKEN
    assert word in said(sentence)


def test_a_page_that_shows_another_beginning_is_broken(world: World) -> None:
    world.edit_page("Effective Date:</strong> 2026-11-22", "Effective Date:</strong> 2020-01-01")

    report = judge(CHECKS, world.seen)

    assert report.of("8.1b").verdict is BROKEN
    assert report.of("8.1a").verdict is KEPT


def test_a_beginning_before_the_last_change_is_broken(world: World) -> None:
    world.data = data_of(*dated("2026-11-22", "2026-11-20"))

    assert judge(CHECKS, world.seen).of("8.1b").verdict is BROKEN


def test_without_store_or_network_nothing_is_kept_but_what_the_file_shows(world: World) -> None:
    seen = world.seen
    seen.store = seen.network = None

    assert verdicts(CHECKS, seen) == {"8a": "unproven", "8b": "unproven", "8.1a": "kept", "8.1b": "unproven"}


def test_the_example_is_stale(tmp_path: Path) -> None:
    sentence = judge(CHECKS, observation(example(), tmp_path)).of("8.1a")

    assert sentence.verdict is BROKEN
    assert "2024-01-09, more than 12 months ago" in said(sentence)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("January 9, 2024", (2024, 1, 9)),
        ("Effective: 9 January 2024", (2024, 1, 9)),
        ("9th of Sept. 2024", (2024, 9, 9)),
        ("2024-01-09", (2024, 1, 9)),
        ("2024年1月9日", (2024, 1, 9)),
        ("Jan 9, 2024 and January 9, 2024", (2024, 1, 9)),
        ("January 9, 2024 or January 10, 2024", None),
        ("February 30, 2024", None),
        ("some day in 2024", None),
    ],
)
def test_the_one_day_in_a_text(text: str, day: tuple[int, int, int] | None) -> None:
    assert archive.date_in(text) == (dt.date(*day) if day else None)
