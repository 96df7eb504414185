"""What checks see of real batches: worlds that are kept, broken and unproven, for each thing they look at."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.policies import BROKEN, KEPT, UNPROVEN, judge, said
from tests.sharing.gateworld import DESK, METRICS, PAY, PEOPLE, GateWorld
from tests.sites import LocalSite
from troth.foundation.network import Network
from troth.foundation.observation import Observation
from troth.foundation.proof import SentenceReport
from troth.foundation.store import Store
from troth.policy.settings import Settings
from troth.policy.sharingsettings import SharingSettings, SupportSettings
from troth.sharing.checks import CHECKS

PAYMENT, ANALYTICS, STORAGE, SUPPORT = "4.2.1", "4.2.2", "4.2.3", "4.2.4"
ROWS = [{"user": str(n), "token": f"tok_{n}", "amount": str(n)} for n in range(1, 20)]
TICKETS = [{"user": "1", "email": "ann@mail.example.org", "phone": "+49 170 1234567", "name": "Ann", "body": "Hello"}]
LOG = "egress.log"
HOST = "desk.example.net"


@contextmanager
def observing(world: GateWorld, **more: object) -> Iterator[Observation]:
    with Store.open(f"sqlite:///{world.folder / 'troth.sqlite3'}", read_only=True) as store:
        seen = Observation(world.troth.policy, world.clock.now(), world.folder, store=store)
        for name, value in more.items():
            setattr(seen, name, value)
        yield seen


def seen_of(world: GateWorld, number: str, *ids: str, **more: object) -> SentenceReport:
    """What the checks `ids` say of a sentence."""
    with observing(world, **more) as seen:
        return judge([each for each in CHECKS if each.id in ids], seen).of(number)


def safeguard(world: GateWorld, number: str) -> SentenceReport:
    return seen_of(world, number, "sharing.safeguard-missing")


def traffic(world: GateWorld, *lines: str, **settings: object) -> SentenceReport:
    (world.folder / LOG).write_text("\n".join(lines))
    sharing = SharingSettings.model_validate({"observed": [LOG], **settings})
    return seen_of(world, "4", "sharing.undeclared-recipient", settings=Settings(sharing=sharing))


# --- hosts ------------------------------------------------------------------------------------------------------------

PAY_SEEN = "pay.example.net 2026-11-22T05:00:00+00:00"


def test_only_declared_hosts_were_reached_is_kept_and_those_never_reached_are_told(world: GateWorld) -> None:
    report = traffic(world, PAY_SEEN, "10.0.0.9")

    assert report.findings == ()
    assert "declared and not reached in that time: metrics.example.net" in said(report)


@pytest.mark.parametrize("pattern", ["*", "*.*", "*.org", "0.0.0.0/0"])
@pytest.mark.parametrize("setting", ["own", "ignored"])
def test_a_pattern_that_names_everybody_names_nobody(world: GateWorld, setting: str, pattern: str) -> None:
    value = [pattern] if setting == "own" else {pattern: "the internet"}

    report = traffic(world, PAY_SEEN, "ads.example.org", **{setting: value})

    assert report.verdict is BROKEN
    assert f"ads.example.org in {LOG}" in said(report)
    assert traffic(world, PAY_SEEN, **{setting: value}).findings[0].verdict is UNPROVEN


def test_names_that_only_stand_inside_may_be_named_as_a_whole(world: GateWorld) -> None:
    assert traffic(world, PAY_SEEN, "db.corp", own=["*.corp"]).findings == ()


def test_one_line_from_the_future_does_not_make_an_old_log_fresh(world: GateWorld) -> None:
    report = traffic(world, "pay.example.net 2025-01-01T00:00:00+00:00", "pay.example.net 2099-01-01T00:00:00+00:00")
    assert [each.verdict for each in report.findings] == [UNPROVEN]
    assert "which is still to come" in said(report)


def test_another_host_is_broken_unless_it_is_own_or_ignored_with_a_reason(world: GateWorld) -> None:
    lines = (PAY_SEEN, "ads.example.org", "cdn.shop.example.com")
    assert [each.where for each in traffic(world, *lines).findings] == [f"{h} in {LOG}" for h in lines[1:]]

    known = {"own": ["*.shop.example.com"], "ignored": {"ads.example.org": "gets no personal data"}}
    assert traffic(world, *lines, **known).findings == ()
    known["ignored"] = {"ads.example.org": " "}
    assert traffic(world, *lines, **known).findings[0].verdict is BROKEN


def test_a_log_that_is_old_missing_empty_or_not_to_be_read_is_unproven(world: GateWorld) -> None:
    for lines, words in (
        (("pay.example.net 2026-11-19T05:00:00+00:00",), "older than 2 days"),
        ((), "no line of it names a host"),
        ((PAY_SEEN, "what is this line", "and this one here"), "2 of 3 lines cannot be read"),
    ):
        world.clock.set(dt.datetime.now(dt.UTC) if not lines else "2026-11-22T06:00:00+00:00")
        report = traffic(world, *lines)
        assert [each.verdict for each in report.findings] == [UNPROVEN], words
        assert words in said(report)
    (world.folder / LOG).unlink()
    gone = seen_of(
        world, "4", "sharing.undeclared-recipient", settings=Settings(sharing=SharingSettings(observed=(LOG,)))
    )
    assert "not there" in said(gone)
    assert seen_of(world, "4", "sharing.undeclared-recipient").findings[0].verdict is UNPROVEN


def test_nothing_of_a_log_but_hosts_is_told(world: GateWorld) -> None:
    line = '192.0.2.9 - zebedee [22/Nov/2026:05:00:00 +0000] "GET http://ads.example.org/?mail=zebedee@x.example HTTP/1.1" 200 1'

    assert "zebedee" not in said(traffic(world, line))


# --- the record -------------------------------------------------------------------------------------------------------


def test_a_record_that_agrees_with_the_ledger_is_kept(world: GateWorld) -> None:
    assert seen_of(world, "4.1", "sharing.without-reason").findings[0].verdict is UNPROVEN
    world.share("Example Pay", "fraud", ROWS, PAY)

    assert seen_of(world, "4.1", "sharing.without-reason").findings == ()
    assert seen_of(world, "4.1a", "sharing.undeclared-data").findings == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("update disclosures set rows = 1", "not what its entry in the ledger says"),
        ("update disclosures set reason = 'consent'", "is none that the policy lists"),
        ("update disclosures set recipient = 'Example Desk'", "not what its entry in the ledger says"),
        ("update disclosures set purpose = 'marketing'", "not what its entry in the ledger says"),
        ("update disclosures set categories = '{}'", "not what its entry in the ledger says"),
        ("update disclosures set at = '2026-11-21 00:00:00.000000'", "not what its entry in the ledger says"),
        ("update disclosures set people = null, people_count = 1", "not what its entry in the ledger says"),
        ("update disclosures set state = 'stopped'", "that it is stopped is not what the ledger says"),
        ("delete from disclosures", "1 disclosure in the ledger that the record lacks"),
        ("update disclosures set leaf = 1", "no entry in the ledger"),
    ],
)
def test_a_record_that_somebody_changed_is_broken(world: GateWorld, change: str, words: str) -> None:
    world.troth.object_to("id=30", "fraud")
    world.share("Example Pay", "fraud", ROWS, PAY)
    with world.troth.office.store.writing() as tx:
        tx.exec_driver_sql(change)

    report = seen_of(world, "4.1", "sharing.without-reason")

    assert report.findings[0].verdict is BROKEN
    assert words in said(report)


def test_a_disclosure_that_never_ended_is_unproven(world: GateWorld) -> None:
    world.share("Example Pay", "fraud", ROWS, PAY)
    with world.troth.office.store.writing() as tx:
        tx.exec_driver_sql("update disclosures set state = 'begun', ended_at = null")
    assert seen_of(world, "4.1", "sharing.without-reason").findings == ()
    world.clock.advance(dt.timedelta(hours=2))

    report = seen_of(world, "4.1", "sharing.without-reason")

    assert report.findings[0].verdict is UNPROVEN
    assert "never ended" in said(report)


def test_kinds_of_data_that_are_not_declared_are_broken(world: GateWorld) -> None:
    world.share("Example Pay", "fraud", ROWS, PAY)
    with world.troth.office.store.writing() as tx:
        tx.exec_driver_sql("""update disclosures set categories = '{"token": "device.ip"}'""")

    report = seen_of(world, "4.1a", "sharing.undeclared-data")

    assert "device.ip for fraud is not declared" in said(report)


# --- what was handed over ---------------------------------------------------------------------------------------------


def test_what_the_gate_hands_over_is_kept_for_each_safeguard(world: GateWorld) -> None:
    for n in range(1, PEOPLE + 1):
        world.troth.give_consent(f"id={n}", "analytics")
    visits = [{"user": str(n), "page": "/tea", "at": "2026-11-20 10:00:00"} for n in range(1, 9)]
    bios = [{"user": str(n), "bio": "likes tea " * 20} for n in range(1, 20)]
    world.share("Example Pay", "fraud", ROWS, PAY, to="pay.csv", form="csv")
    world.share("Example Metrics", "analytics", visits, METRICS, to="metrics.jsonl")
    world.share("Example Storage", "storage", bios, {"bio": "profile.bio"}, to="storage.age")
    world.share("Example Desk", "support", TICKETS, DESK, to="desk.jsonl")

    for number, recipient in ((PAYMENT, "Pay"), (ANALYTICS, "Metrics"), (STORAGE, "Storage"), (SUPPORT, "Desk")):
        report = safeguard(world, number)
        assert any(recipient in each.source for each in report.evidence), number
        assert not any(each.verdict is BROKEN for each in report.findings), number
    assert safeguard(world, PAYMENT).verdict is KEPT
    assert safeguard(world, STORAGE).verdict is KEPT


def test_a_file_that_is_gone_old_or_not_the_recorded_one_is_not_kept(world: GateWorld) -> None:
    assert "nothing has been shared with it yet" in said(safeguard(world, PAYMENT))
    world.share("Example Pay", "fraud", ROWS, PAY)
    with (world.folder / "out.jsonl").open("a") as file:
        file.write('{"token": "tok_x"}\n')
    assert safeguard(world, PAYMENT).verdict is BROKEN
    (world.folder / "out.jsonl").unlink()
    assert safeguard(world, PAYMENT).verdict is UNPROVEN
    world.clock.advance(dt.timedelta(days=40))
    assert "the last batch is of 2026-11-22" in said(safeguard(world, PAYMENT))


def test_where_storage_stands_is_read_from_its_exported_configuration(world: GateWorld) -> None:
    sharing = SharingSettings(storage={"Example Storage": "bucket.json"})
    good = {
        "read_at": "2026-11-20T00:00:00+00:00",
        "encrypted": True,
        "tls_only": True,
        "private": True,
        "country": "SG",
    }

    def told(**changed: object) -> SentenceReport:
        (world.folder / "bucket.json").write_text(json.dumps(good | changed))
        return seen_of(world, STORAGE, "sharing.storage-unread", settings=Settings(sharing=sharing))

    assert told().verdict is KEPT
    assert "`private` is not set" in said(told(private=False))
    assert "stands in US, and SG is declared" in said(told(country="US"))
    assert told(read_at="2026-01-01T00:00:00+00:00").verdict is UNPROVEN
    assert told(read_at="never").verdict is UNPROVEN
    assert seen_of(world, STORAGE, "sharing.storage-unread").verdict is UNPROVEN


# --- the support tool -------------------------------------------------------------------------------------------------

FACTS = {
    "sign_on": {"required": True},
    "users": [{"name": "ana", "active": True}, {"name": "left", "active": False}],
    "oldest_ticket": "2026-01-31T09:00:00+00:00",
    "sample": [{"email": "j***", "subject": "Kettle"}],
}


def desk(world: GateWorld, site: LocalSite, facts: object, people: tuple[str, ...] = ("ana",)) -> SentenceReport:
    site.put("/facts", json.dumps(facts), kind="application/json")
    network = Network({HOST: ("127.0.0.1", site.port)})
    support = SupportSettings(recipient="Example Desk", url=f"http://{HOST}/facts", people=people)
    return seen_of(
        world,
        SUPPORT,
        "sharing.support-open",
        network=network,
        settings=Settings(sharing=SharingSettings(support=support)),
    )


def test_a_closed_support_tool_is_kept(world: GateWorld, site: LocalSite) -> None:
    assert desk(world, site, FACTS).verdict is KEPT


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (FACTS | {"sign_on": {"required": False}}, "does not require the company's sign-on"),
        (FACTS | {"users": [*FACTS["users"], {"name": "zebedee"}]}, "1 active account of nobody"),
        (FACTS | {"sample": [{"email": "zebedee@x.example"}]}, "1 value of email in its sample stand in clear"),
    ],
)
def test_an_open_support_tool_is_broken_and_nobody_is_named(
    world: GateWorld, site: LocalSite, facts: object, words: str
) -> None:
    report = desk(world, site, facts)

    assert report.verdict is BROKEN
    assert words in said(report)
    assert "zebedee" not in said(report)


@pytest.mark.parametrize(
    "facts", ["no object", [], {"sign_on": {}}, FACTS | {"users": 3}, FACTS | {"oldest_ticket": "x"}]
)
def test_an_answer_that_says_nothing_of_the_kind_is_unproven(world: GateWorld, site: LocalSite, facts: object) -> None:
    assert desk(world, site, facts).verdict is UNPROVEN


def test_a_support_tool_that_is_not_named_or_not_reached_is_unproven(world: GateWorld, site: LocalSite) -> None:
    assert seen_of(world, SUPPORT, "sharing.support-open").verdict is UNPROVEN
    site.answers.clear()
    network = Network({HOST: ("127.0.0.1", site.port)})
    support = SupportSettings(recipient="Example Desk", url=f"http://{HOST}/facts")
    found = seen_of(
        world,
        SUPPORT,
        "sharing.support-open",
        network=network,
        settings=Settings(sharing=SharingSettings(support=support)),
    )
    assert "status 404" in said(found)
