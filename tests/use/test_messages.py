"""Messages about orders: what troth keeps of them, and how they are told from letters that advertise."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from tests.policies import said
from tests.shopworld import World, before, founded, own_verdict, world
from troth.errors import PersonUnknown, TrothError, UnknownName
from troth.foundation.proof import run_checks
from troth.policy import settings
from troth.rights import farewell
from troth.use import standing
from troth.use.checks import messages as checks
from troth.use.tables import messages_sent
from troth.use.words import MessageClass

__all__ = ["before", "founded", "world"]

TEMPLATES = """
[messages.templates]
order-confirmation = "transactional"
order-sent = "transactional"
newsletter = "marketing"
new-terms = "service"
"""
OWN = '[store]\nurl = "sqlite:///troth.sqlite3"\n' + TEMPLATES
COMPANY_S = '[store]\nurl = "sqlite:///troth.sqlite3"\n[messages]\ntable = "shop.mail_log"\nkind = "kind"\n' + TEMPLATES
SAMPLES = '[messages.samples]\norder-sent = "sent.eml"\nnewsletter = "news.eml"\n'


def judged(world: World) -> tuple[str, str]:
    with world.seen() as seen:
        seen.settings = settings.read(world.folder, {}).settings
        found = run_checks(seen.policy, (checks.notice_that_advertises,), seen).of("2.1b")
        return own_verdict(found), said(found)


def wish(world: World, text: str) -> None:
    (world.folder / "troth.toml").write_text(text)


def keep(world: World, name: str, *lines: str, stops: bool = False) -> None:
    letter = EmailMessage()
    letter["Subject"] = "x"
    letter["Date"] = "Sat, 21 Nov 2026 09:00:00 +0000"
    if stops:
        letter["List-Unsubscribe"] = "<https://shop.example.com/stop>"
    letter.set_content("\n".join(lines))
    (world.folder / name).write_bytes(letter.as_bytes())


# --- troth's own log ----------------------------------------------------------------------------------------------------


def test_a_message_is_on_record_with_its_class_and_a_keyed_hash_of_its_order(world: World) -> None:
    wish(world, OWN)
    with world.troth() as troth:
        assert troth.message_sent("id=3", "order-sent", order="9001") is MessageClass.TRANSACTIONAL
        assert troth.message_sent("id=3", "new-terms") is MessageClass.SERVICE
        with troth.office.store.reading() as tx:
            rows = tx.execute(messages_sent.select().order_by(messages_sent.c.id)).all()
    assert [(row.template, row.kind, row.order_hash is None) for row in rows] == [
        ("order-sent", "transactional", False),
        ("new-terms", "service", True),
    ]
    assert b"9001" not in bytes(rows[0].order_hash)
    verdict, told = judged(world)
    assert verdict == "kept"
    assert "1 message about an order" in told


def test_which_messages_somebody_got_goes_with_their_erasure(world: World) -> None:
    wish(world, OWN)
    with world.troth() as troth:
        troth.message_sent("id=3", "order-sent", order="9001")
        troth.message_sent("id=4", "order-sent", order="9002")
        with troth.office.deed() as tx:
            person = standing.load_person(tx, troth.office.keyring, "id=3")
            farewell.part(tx, troth.office, person, keep_letters_of="")
        with troth.office.store.reading() as tx:
            left = [row.person for row in tx.execute(messages_sent.select())]
    assert len(left) == 1
    assert left != [person]


def test_what_is_no_template_or_lacks_its_order_or_goes_to_nobody_is_not_recorded(world: World) -> None:
    wish(world, OWN)
    with world.troth() as troth:
        with pytest.raises(UnknownName) as told:
            troth.message_sent("id=3", "order-send", order="1")
        assert "order-sent" in told.value.diagnostics()
        with pytest.raises(TrothError, match="belongs to an order"):
            troth.message_sent("id=3", "order-sent")
        with pytest.raises(TrothError, match="belongs to no order"):
            troth.message_sent("id=3", "newsletter", order="1")
        with pytest.raises(PersonUnknown):
            troth.message_sent("id=99999", "order-sent", order="1")
    verdict, told_ = judged(world)
    assert verdict == "unproven"
    assert "no message is on record yet" in told_


# --- the company's log --------------------------------------------------------------------------------------------------


def test_the_company_s_own_log_is_judged_by_template(world: World) -> None:
    wish(world, COMPANY_S)
    count = world.ask("select count(*) from mail_log where kind = 'transactional'")[0][0]
    verdict, told = judged(world)
    assert verdict == "kept"
    assert f"{count} messages about an order, each naming it" in told


def test_without_templates_or_store_nothing_is_proven(world: World) -> None:
    wish(world, '[store]\nurl = "sqlite:///troth.sqlite3"\n')
    assert judged(world)[0] == "unproven"
    wish(world, COMPANY_S)
    (world.folder / "shop.sqlite3").unlink()
    assert judged(world)[0] == "unproven"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("update mail_log set order_id = null where kind = 'transactional'", "about an order name none"),
        ("update mail_log set order_id = 999999 where kind = 'transactional'", "name an order that is not there"),
        ("update mail_log set order_id = (select min(id) from orders) where kind = 'marketing'", "name an order"),
        ("update mail_log set kind = 'transactional'", "template newsletter: is marketing, and was sent as transact"),
        ("update mail_log set template = 'spring-offer' where id = 1", "template spring-offer: 1 message of it went"),
        ("update mail_log set template = 'a@example.org' where id = 1", "a template: 1 message of it went out"),
    ],
)
def test_each_way_to_mix_them_is_told(world: World, statement: str, expected: str) -> None:
    wish(world, COMPANY_S)
    world.sql(statement)

    verdict, told = judged(world)

    assert verdict == "broken"
    assert expected in told
    assert "@" not in told


# --- kept copies --------------------------------------------------------------------------------------------------------


def test_a_kept_copy_must_not_advertise_and_must_not_be_a_mailing(world: World) -> None:
    wish(world, COMPANY_S + SAMPLES)
    verdict, told = judged(world)
    assert verdict == "unproven"
    assert "the message sent.eml: it cannot be read" in told

    keep(world, "news.eml", "Dear reader,", "All green teas are a fifth cheaper until Sunday.", stops=True)
    keep(world, "sent.eml", "Dear reader,", "Your parcel has left our house today.")
    assert judged(world)[0] == "kept"

    imprint = ("Example Company, 12 Example Road, Shanghai", "Write to privacy@example.com or +86 21 6279 0000")
    keep(world, "news.eml", "All green teas are a fifth cheaper until Sunday.", *imprint, stops=True)
    keep(world, "sent.eml", "Your parcel has left our house today.", *imprint)
    assert judged(world)[0] == "kept"

    keep(world, "sent.eml", "Your parcel has left.", "  All green teas are a  fifth cheaper until Sunday.")
    verdict, told = judged(world)
    assert verdict == "broken"
    assert "it has 1 line in common with a marketing letter" in told

    keep(world, "sent.eml", "Your parcel has left our house today.", stops=True)
    verdict, told = judged(world)
    assert verdict == "broken"
    assert "it has List-Unsubscribe, which is for mailings" in told
