"""How a key stands: its age, where it is, which keys come from it, and what hangs on it."""

from __future__ import annotations

from datetime import timedelta

from tests.foundation.keycare.test_keycare import NOW, PEOPLE, now_loaded, sealed_bodies, turn
from tests.use.company import Company
from troth.foundation.keycare import looking
from troth.foundation.ledger.sequencer import sequence_all
from troth.testing import FixedClock


def test_how_a_key_stands_with_all_that_hangs_on_it(company: Company) -> None:
    store, environ = company.office.store, company.environ
    sealed_bodies(store, now_loaded(company))
    sequence_all(store, now_loaded(company))
    old = now_loaded(company)
    turn(company)
    found = looking.look(store, company.folder, environ, company.clock.now() + timedelta(days=300))
    assert (found.source, found.mode, found.age_days, found.turns) == ("troth.key", "0600", 300, 1)
    assert found.pseudonym_id == old.pseudonym_id
    assert [each["until"] for each in found.signing] == [PEOPLE + 1, None]
    assert found.people_keys == {"content": PEOPLE, "accountability": 0, "fields": 0}
    assert dict(found.holds) == {"sealed bodies of the ledger": PEOPLE, "keys of people": PEOPLE}
    assert not any("turn it" in each for each in found.findings)
    later = looking.look(store, company.folder, environ, company.clock.now() + timedelta(days=366))
    assert "in use for 366 days: turn it" in later.findings[-1]


def test_a_key_that_will_be_a_year_old_is_told_before(company: Company) -> None:
    from troth.policy.periods import Duration
    from troth.protection import ending

    sealed_bodies(company.office.store, now_loaded(company))
    begun = FixedClock(NOW).now()

    def told(after_days: int) -> list[str]:
        with company.office.store.reading() as tx:
            soon = ending.soon(tx, company.office.policy, begun + timedelta(days=after_days), Duration(30, "day"))
        return [f"{each.day} {each.renew}" for each in soon if each.kind is ending.Kind.KEY]

    assert told(300) == []
    assert told(340) == ["2027-11-22 troth key rotate"]
    company.clock.advance(timedelta(days=340))
    turn(company)
    assert told(340) == []
