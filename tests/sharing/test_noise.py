"""Groups that leave with noise: what nobody can tell from them, what they cost, and what checks see of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap
from sqlalchemy import literal, select, text, update
from typer.testing import CliRunner

from tests.policies import BROKEN, KEPT, UNPROVEN, said
from tests.rights.site import browser
from tests.sharing.gateworld import METRICS, PEOPLE, POLICY, GateWorld, gate_world
from tests.sharing.test_looking import ANALYTICS, safeguard, seen_of
from troth import GateClosed
from troth.entrypoints import http
from troth.entrypoints.reports import registers
from troth.foundation import staff
from troth.foundation.roles import Role
from troth.policy.noise import Noise
from troth.policy.rendering.annexes import annexes
from troth.policy.vocabulary import Circumstance, Safeguard
from troth.sharing import commands, disclosures, noise, printed, recipients, recording
from troth.sharing.gate import Gate
from troth.sharing.noise import Measurement, bounded
from troth.sharing.passage import Order, Shape
from troth.sharing.spool import Spool
from troth.sharing.tables import disclosures as disclosures_table
from troth.sharing.words import State

METRICS_NAME = "Example Metrics"
SAFEGUARD = "      safeguard: anonymised\n"


def noisy(epsilon: float = 0.5, budget: float = 1, groups: int = 3) -> str:
    """The policy, whose analytics get groups with noise."""
    declared = f"      noise: {{epsilon: {epsilon}, budget: {budget}, groups: {groups}}}\n"
    return POLICY.replace(SAFEGUARD, SAFEGUARD + declared)


def one_more(threshold: int = 5) -> Measurement:
    """A measurement whose noise is always one more, so that nothing is left to chance."""

    def measure(numbers: Mapping[str, int]) -> Mapping[str, int]:
        return {key: number + 1 for key, number in numbers.items()}

    return Measurement(1.0, threshold, measure)


@pytest.fixture
def certain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "measurement", lambda *_: one_more())


def agree(world: GateWorld) -> GateWorld:
    for n in range(1, PEOPLE + 1):
        world.troth.give_consent(f"id={n}", "analytics")
    return world


@pytest.fixture
def world(tmp_path: Path, certain: None) -> Iterator[GateWorld]:
    with gate_world(tmp_path, policy=noisy()) as made:
        yield agree(made)


@pytest.fixture
def world_on_postgresql(tmp_path: Path, certain: None, postgresql_database: str) -> Iterator[GateWorld]:
    with gate_world(tmp_path, policy=noisy(), url=postgresql_database) as made:
        yield agree(made)


def visits(people: int, *pages: str) -> list[dict[str, str]]:
    return [
        {"user": str(n), "page": page, "at": f"2026-11-20 {hour}:00:00"}
        for n in range(1, people + 1)
        for page in pages
        for hour in (10, 11)
    ]


def tell(world: GateWorld, people: int = 8, *pages: str, **more: Any) -> disclosures.Disclosure:
    return world.share(METRICS_NAME, "analytics", visits(people, *(pages or ("/tea",))), METRICS, **more)


# --- what leaves ------------------------------------------------------------------------------------------------------


def test_only_words_of_groups_and_noisy_numbers_leave(world: GateWorld) -> None:
    world.troth.withdraw_consent("id=1", "analytics")
    rows = [*visits(9, "/tea"), *visits(4, "/rare")]

    made = world.share(METRICS_NAME, "analytics", rows, METRICS)

    # eight who agree saw /tea, and three saw /rare, which even with one more is too few
    assert world.left() == [{"page": "/tea", "at": "2026-11-20", "people": 9}]
    assert (made.epsilon, made.delta, made.rows) == (0.5, noise.DELTA, 1)


def test_what_gets_about_says_nothing_exact(world: GateWorld) -> None:
    world.troth.withdraw_consent("id=1", "analytics")

    made = tell(world, 9)

    [body] = world.entries("data.disclosing")
    assert body["people"]["count"] is None
    assert body["held_back"] == {"columns": 0}
    assert body["noise"] == {"epsilon": 0.5, "delta": noise.DELTA}
    eight = BitMap(world.number(f"id={n}") for n in range(2, 10))
    assert body["people"]["sha256"] != disclosures.mark_of(eight.serialize()), "nobody can try out who was in it"
    facts = printed.of_disclosure(made)
    assert (facts["people"], facts["held_back"]["refused"]) == (None, {})
    assert facts["noise"] == {"epsilon": 0.5, "delta": noise.DELTA}
    assert "1 group with noise (epsilon 0.5, delta 1e-09; " in printed.say(made)
    assert "people" not in printed.say(made)
    # the company's own record knows it, for whoever asks where their data went
    assert (made.people, dict(made.held_back.refused)) == (8, {"consent-withdrawn": 2})
    with world.troth.office.store.reading() as tx:
        assert [each.id for each in disclosures.of_person(tx, world.number("id=2"))] == [made.id]


def test_batches_with_noise_are_not_kept_apart_by_who_is_in_them(world: GateWorld) -> None:
    assert [tell(world, 10).rows, tell(world, 11).rows] == [1, 1]


def test_a_column_called_as_what_groups_come_with_is_refused(tmp_path: Path) -> None:
    with gate_world(tmp_path) as world:
        for name in ("people", "rows"):
            rows = [{"user": str(n), name: "/tea"} for n in range(1, 9)]
            with pytest.raises(GateClosed, match=f"come with a column {name} of their own"):
                world.share(METRICS_NAME, "analytics", rows, {name: "usage.page"})
        assert world.records() == ()


def test_with_strict_a_column_of_an_undeclared_kind_refuses_the_batch(world: GateWorld) -> None:
    rows = [{"user": "1", "page": "/tea", "mail": "x"}]

    with pytest.raises(GateClosed, match="not declared for it: mail"):
        world.share(METRICS_NAME, "analytics", rows, {"page": "usage.page", "mail": "contact.email"}, strict=True)


def test_without_opendp_nothing_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opendp", None)
    monkeypatch.delitem(sys.modules, "opendp.prelude", raising=False)
    with gate_world(tmp_path, policy=noisy()) as world:
        with pytest.raises(GateClosed, match="is not installed") as closed:
            tell(agree(world))

        assert "troth[stats]" in closed.value.diagnostics()
        assert (world.files, world.records()) == (set(), ())


@pytest.mark.parametrize(
    ("protected", "told"),
    [
        ({"safeguard": Safeguard.ANONYMISED}, "these have none"),
        ({"safeguard": Safeguard.MASKED, "noise": Noise(epsilon=0.5, budget=1)}, "these are rows"),
    ],
)
def test_an_order_that_says_otherwise_lets_nothing_out_to_whom_noise_is_declared_for(
    world: GateWorld, protected: dict[str, Any], told: str
) -> None:
    order = Order(METRICS_NAME, "analytics", Circumstance.PROCESSOR, ("usage.page",), **protected)

    with pytest.raises(GateClosed, match=told):
        Gate(world.troth.office, world.troth.instance).carry(
            order, visits(8, "/tea"), shape=Shape("user", {"page": "usage.page"}), to="out.jsonl"
        )

    assert (world.files, world.records()) == (set(), ())


def test_opendp_itself_adds_as_much_as_its_own_map_asks_for_and_names_nobody_alone(tmp_path: Path) -> None:
    pytest.importorskip("opendp", reason="missing: opendp (the extra `stats`)")

    asked = noise.measurement(Noise(epsilon=0.5, budget=5, groups=3), 5)
    assert asked.scale == pytest.approx(6, rel=1e-6)  # three groups, half of one: 3 / 0.5
    assert 100 < asked.threshold < 200  # below it one person could make a group be named
    assert noise.measurement(Noise(epsilon=0.5, budget=5, groups=3), 1000).threshold == 1000
    told = asked.tell({("/tea", "x"): 100_000, ("/only-me", None): 1})
    assert list(told) == [("/tea", "x")]  # but for a chance of less than 1e-9
    assert abs(told["/tea", "x"] - 100_000) < 600  # but for one of e^-100
    draws = {asked.tell({("/tea",): 100_000})["/tea",] for _ in range(30)}
    assert len(draws) > 1, "but for less than 1e-30: it is noise indeed"

    with gate_world(tmp_path, policy=noisy(epsilon=10, budget=10)) as world:
        tell(agree(world), PEOPLE)
        [line] = world.left()
        assert set(line) == {"page", "at", "people"}
        assert 20 < line["people"] < 80


# --- in how many groups a person counts -------------------------------------------------------------------------------

GROUPS = st.dictionaries(st.tuples(st.text(max_size=3)), st.sets(st.integers(1, 30)).map(BitMap), max_size=12)


@given(GROUPS, st.integers(1, 5))
def test_nobody_counts_in_more_groups_than_declared_and_nobody_in_one_that_was_not_theirs(
    groups: dict[Any, BitMap], most: int
) -> None:
    kept = bounded(groups, most, b"key")

    for person in range(1, 31):
        theirs = {key for key, people in groups.items() if person in people}
        counted = {key for key, people in kept.items() if person in people}
        assert counted <= theirs
        assert len(counted) == min(most, len(theirs))


class Twin(str):
    """Words that read alike and are not the same group."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def test_groups_that_read_alike_are_groups_of_their_own() -> None:
    kept = bounded({(Twin("tea"),): BitMap([1]) for _ in range(5)}, 2, b"key")

    assert sum(len(people) for people in kept.values()) == 2


@given(GROUPS, st.integers(1, 5), st.integers(1, 30))
def test_in_which_groups_somebody_counts_has_nothing_to_do_with_others(
    groups: dict[Any, BitMap], most: int, person: int
) -> None:
    alone = {key: people & BitMap([person]) for key, people in groups.items()}

    kept, own = bounded(groups, most, b"key"), bounded(alone, most, b"key")

    assert {key for key in kept if person in kept[key]} == {key for key in own if person in own[key]}


def test_many_people_are_looked_at_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    groups: dict[Any, BitMap] = {(n,): BitMap(range(10)) for n in range(4)}
    whole = bounded(groups, 2, b"key")

    monkeypatch.setattr(noise, "_AT_ONCE", 3)

    assert bounded(groups, 2, b"key") == whole
    assert sum(map(len, whole.values())) == 2 * 10


def test_a_person_in_ten_groups_counts_in_three(world: GateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "measurement", lambda *_: one_more(1))  # whichever three it is, no group is too small
    tell(world, PEOPLE, *(f"/{n}" for n in range(10)))

    assert sum(line["people"] - 1 for line in world.left()) == 3 * PEOPLE


# --- what it costs ----------------------------------------------------------------------------------------------------


def spent(world: GateWorld) -> Decimal:
    with world.troth.office.store.reading() as tx:
        return disclosures.spent(tx, METRICS_NAME)


def test_when_the_budget_is_spent_nothing_leaves_any_more(world: GateWorld) -> None:
    tell(world)
    tell(world, to="second.jsonl")
    world.clock.advance(dt.timedelta(days=90))  # it is not renewed by time

    with pytest.raises(
        GateClosed, match=r"told 1 of the 1 that the policy allows in all, and one batch costs 0\.5"
    ) as no:
        tell(world, to="third.jsonl")

    assert "raise `budget` in the policy" in no.value.diagnostics()
    assert world.files == {"out.jsonl", "second.jsonl"}
    assert len(world.records()) == 2


def test_ten_times_a_tenth_is_one(tmp_path: Path, certain: None) -> None:
    with gate_world(tmp_path, policy=noisy(epsilon=0.1, budget=1)) as world:
        agree(world)
        for _ in range(10):
            tell(world)

        assert spent(world) == 1
        with pytest.raises(GateClosed):
            tell(world)


@pytest.mark.parametrize(("state", "cost"), [(State.STOPPED, 0), (State.BEGUN, 0.5), (State.UNCERTAIN, 0.5)])
def test_what_may_have_left_is_spent_and_what_did_not_is_not(world: GateWorld, state: State, cost: float) -> None:
    tell(world)
    with world.troth.office.store.writing() as tx:
        tx.execute(update(disclosures_table).values(state=state))

    assert spent(world) == Decimal(str(cost))


def test_a_batch_that_somebody_refuses_meanwhile_costs_nothing(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = Spool.settle

    def meanwhile(spool: Spool) -> None:
        settle(spool)
        world.troth.withdraw_consent("id=1", "analytics")

    monkeypatch.setattr(Spool, "settle", meanwhile)

    with pytest.raises(GateClosed, match="said no"):
        tell(world)
    assert spent(world) == 0


def test_two_batches_do_not_both_spend_the_last_of_it(world: GateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(world)
    settle, overtaking = Spool.settle, [True]

    def overtaken(spool: Spool) -> None:
        settle(spool)
        if overtaking:
            overtaking.clear()
            tell(world, to="first.jsonl")

    monkeypatch.setattr(Spool, "settle", overtaken)

    with pytest.raises(GateClosed, match="told 1 of the 1"):
        tell(world, to="late.jsonl")
    assert world.files == {"out.jsonl", "first.jsonl"}


def test_on_postgresql_one_waits_for_the_other_before_it_counts(world_on_postgresql: GateWorld) -> None:
    world = world_on_postgresql
    tell(world)
    store, declared = world.troth.office.store, Noise(epsilon=0.5, budget=1)
    begun = threading.Event()

    def late() -> None:
        begun.set()
        with store.writing() as tx:
            noise.spend(tx, METRICS_NAME, declared)

    with ThreadPoolExecutor(1) as other:
        with store.writing() as tx:
            noise.spend(tx, METRICS_NAME, declared)
            waiting = other.submit(late)
            assert begun.wait(60)
            while not _somebody_waits(store):
                assert not waiting.done(), "it did not wait"
                time.sleep(0.01)
            tx.execute(disclosures_table.insert().from_select(*_again()))
        with pytest.raises(GateClosed, match="told 1 of the 1"):
            waiting.result(60)


def _somebody_waits(store: Any) -> bool:
    with store.reading() as tx:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool(tx.execute(text(query)).scalar_one())


def _again() -> tuple[list[str], Any]:
    """The first disclosure once more, as another transaction would have recorded it."""
    names = [each.name for each in disclosures_table.c if each.name != "id"]
    values = [literal("again") if name == "token" else disclosures_table.c[name] for name in names]
    return names, select(*values)


# --- where it is shown ------------------------------------------------------------------------------------------------


def test_how_much_of_the_budget_is_spent_is_told(world: GateWorld) -> None:
    tell(world)
    metrics = recipients.load(world.troth.policy, METRICS_NAME, "analytics")
    assert metrics.noise is not None

    with world.troth.office.store.reading() as tx:
        each = disclosures.spent_by_each(tx)

    assert each == {METRICS_NAME: Decimal("0.5")}
    assert printed.say_spending(metrics.noise, each[METRICS_NAME]) == "told 0.5 of 1 in all, 0.5 a batch"
    assert printed.of_spending(metrics.noise, each[METRICS_NAME]) == {
        "epsilon": 0.5,
        "budget": 1.0,
        "groups": 3,
        "spent": 0.5,
    }


def test_staff_and_auditors_see_how_much_of_the_budget_is_spent(world: GateWorld) -> None:
    tell(world)
    store, now = world.troth.office.store, world.clock.now()
    staff.add(store, "dora", Role.DPO, now=now)
    token = staff.use_login_link(store, staff.issue_login_link(store, "dora", now=now), now=now)
    assert token is not None
    with http.built(world.troth.instance, troth=world.troth) as application:
        page = browser(application)
        page.cookies.set("console_session", token, domain="shop.example.com")
        shown = page.get("/console/recipients").text
    assert "told 0.5 of 1 in all, 0.5 a batch" in shown
    assert "noise of epsilon 0.5" in shown
    assert "for our eyes only" in shown

    with store.reading() as tx:
        [told] = registers.registers_of(tx, world.troth.instance, now)["disclosures"]
    assert (told["recipient"], told["epsilon"]) == (METRICS_NAME, 0.5)


def test_a_terminal_tells_the_same(world: GateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.folder / "rows.csv").write_text(
        "user,page,at\n" + "".join(f"{n},/tea,2026-11-20 10:00:00\n" for n in range(1, 9))
    )
    monkeypatch.delenv("TROTH_KEY", raising=False)
    monkeypatch.chdir(world.folder)
    columns = "page=usage.page,at=usage.interaction:day"
    given = [METRICS_NAME, "--purpose", "analytics", "--in", "rows.csv", "--person", "user", "--columns", columns]
    # the machine's own clock is past the end of the contracts
    monkeypatch.setattr(recipients, "require_contract", lambda *_: None)

    cli = typer.Typer()
    cli.command()(commands.share)

    done = CliRunner().invoke(cli, [*given, "--out", "told.jsonl", "--format", "json"])

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["disclosure"]
    assert told["noise"] == {"epsilon": 0.5, "delta": noise.DELTA, "budget": 1.0, "groups": 3, "spent": 0.5}
    assert told["people"] is None
    assert "told 1 of 1 in all" in CliRunner().invoke(cli, [*given, "--out", "more.jsonl"]).stdout
    closed = CliRunner().invoke(cli, [*given, "--out", "third.jsonl"])
    assert (closed.exit_code, (world.folder / "third.jsonl").exists()) == (1, False)
    listed = json.loads(CliRunner().invoke(cli, ["--list", "--format", "json"]).stdout)["recipients"]
    assert next(each for each in listed if each["name"] == METRICS_NAME)["noise"]["spent"] == 1.0
    assert "with noise, told 1 of 1 in all" in CliRunner().invoke(cli, ["--list"]).stdout


def test_the_published_table_of_recipients_says_it(world: GateWorld) -> None:
    [table] = [each for each in annexes(world.troth.policy) if any(METRICS_NAME in row.cells for row in each.rows)]

    [row] = [row for row in table.rows if METRICS_NAME in row.cells]
    assert "made anonymous, figures with noise (epsilon 0.5, 1 in all)" in row.cells


# --- what checks see --------------------------------------------------------------------------------------------------


def test_told_with_noise_and_within_the_budget_is_kept(tmp_path: Path, certain: None) -> None:
    alone = noisy().replace(next(line for line in POLICY.splitlines() if "Example Letters" in line) + "\n", "")
    with gate_world(tmp_path, policy=alone) as world:
        assert safeguard(world, ANALYTICS).verdict is UNPROVEN
        tell(agree(world))

        report = safeguard(world, ANALYTICS)

        assert report.verdict is KEPT, said(report)
        assert "told 0.5 of 1 in all" in said(report)
        assert "each for a listed reason, as in the ledger" in said(seen_of(world, "4.1", "sharing.without-reason"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epsilon": None, "delta": None}, "it went without noise, under a policy that says it comes with noise"),
        ({"epsilon": 1.5}, "it was told 1.5, and the policy allows 1 in all"),
    ],
)
def test_a_batch_without_noise_and_a_sum_above_the_budget_are_broken(
    world: GateWorld, change: dict[str, Any], words: str
) -> None:
    tell(world)
    with world.troth.office.store.writing() as tx:
        tx.execute(update(disclosures_table).values(**change))

    report = safeguard(world, ANALYTICS)
    assert report.verdict is BROKEN
    assert words in said(report)
    other = seen_of(world, "4.1", "sharing.without-reason")
    assert "its noise is not what its entry in the ledger says" in said(other)


def test_a_file_with_exact_numbers_beside_the_noise_is_broken(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = recording.begin
    path = world.folder / "out.jsonl"

    def careless(tx: Any, office: Any, leaving: Any) -> int:
        number = write(tx, office, leaving)
        content = json.dumps({"page": "/tea", "at": "2026-11-20", "people": 9, "rows": 16}) + "\n"
        path.write_text(content)
        tx.execute(update(disclosures_table).values(sha256=hashlib.sha256(content.encode()).digest()))
        return number

    monkeypatch.setattr(recording, "begin", careless)
    monkeypatch.setattr("troth.sharing.gate.deliver", lambda *_: (State.DONE, None))
    tell(world)

    report = safeguard(world, ANALYTICS)
    assert report.verdict is BROKEN
    assert "the column rows is exact" in said(report)


def test_what_went_before_noise_was_declared_is_no_fault_and_proves_nothing(tmp_path: Path, certain: None) -> None:
    with gate_world(tmp_path) as world:
        tell(agree(world))
        (tmp_path / "policy.yaml").write_text(noisy())
        world.troth.reload()

        report = safeguard(world, ANALYTICS)
        assert report.verdict is UNPROVEN
        assert "its last batch has no noise" in said(report)
