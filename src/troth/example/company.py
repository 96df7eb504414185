"""Found Example Company: a folder with its policy, data map, papers, settings, key, store, shop and 2,000 people.

All of it is made up, and made anew each time; dates are relative to the clock given, so that periods hold on any day.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import Engine, create_engine, text

from troth.application import Troth
from troth.application import open as open_troth
from troth.errors import TrothError
from troth.example import certificates, diligence, papers, providers, storage
from troth.example.shop import analysis, carrier, chores, database, newsletter, orders, post, seed
from troth.foundation import age, keys, leavers, staff
from troth.foundation.clock import Clock, SystemClock
from troth.foundation.guards import approvals
from troth.foundation.keys import Keyring
from troth.foundation.ledger.sequencer import sequence_all
from troth.foundation.people import identifier
from troth.foundation.roles import Role
from troth.foundation.store import Store, migrations
from troth.policy import mapreading, reading, settings
from troth.policy.vocabulary import Right
from troth.protection import holds, retention
from troth.protection.keeper import Keeper
from troth.protection.words import HoldScope, Occasion
from troth.rights import fulfilment, requests
from troth.rights.desk import Desk
from troth.rights.requests import Intake
from troth.rights.words import Channel, Proof, State
from troth.sharing import answering, demands
from troth.sharing.demand_reading import Scope
from troth.updates import versions
from troth.use import closing
from troth.use.company import OpenCompany
from troth.use.views import making
from troth.use.views.making import ViewMaker

HOST = "shop.example.com"
SHOP_VARIABLE = "SHOP_DATABASE_URL"
PEOPLE = 2_000
OFFICER = "officer"
DEPUTY = "deputy"
TEAM = (OFFICER, DEPUTY)
"""The account that the demonstration signs in with, by a one-time link."""
_CALENDAR = dt.UTC


@dataclass(frozen=True, slots=True)
class Company:
    """Where the company lives, how its site is reached, and the environment its commands need."""

    folder: Path
    url: str
    tls_port: int
    shop_url: str
    environ: Mapping[str, str]

    def open(self, clock: Clock | None = None) -> Troth:
        """The front door of troth, as the company's shop opens it."""
        return open_troth(self.folder, environ=self.environ, clock=clock)


def found(
    folder: Path, *, clock: Clock, port: int, tls_port: int, people: int = PEOPLE, shop_url: str | None = None
) -> Company:
    """Make the company in the empty `folder`, its site meant for `port` (plain) and `tls_port` (TLS) of this machine.

    All that its people did lies before `clock`'s present; its certificate goes by the machine's clock, as those do who
    shake hands with it. `shop_url` puts the shop's database elsewhere, on PostgreSQL for one; by default it is SQLite
    in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = clock.now()
    papers.lay_out(folder, now.date())
    certificates.make(folder, HOST, providers.DESK_HOST, storage.HOST, now=SystemClock().now())
    key = _letter_key(folder)
    backup_key = providers.prepare(folder)
    storage.prepare(folder)
    text = _settings(port, tls_port, now, backup_key)
    text += _LETTERS.format(key.public) if key is not None else ""
    (folder / "troth.toml").write_text(text, encoding="utf-8")
    url = shop_url or f"sqlite:///{folder / 'shop.sqlite3'}"
    company = Company(folder, f"http://localhost:{port}", tls_port, url, {**os.environ, SHOP_VARIABLE: url})
    with Store.open(f"sqlite:///{folder / 'troth.sqlite3'}") as store:
        migrations.upgrade(store)
        keyring = Keyring.create(folder)
        keys.confirm(store, keyring)
        _publish(store, keyring, folder)
        for name in TEAM:
            staff.add(store, name, Role.DPO, now=now)
        leavers.compare(store, "\n".join(("name", *TEAM, "")).encode(), where="people.csv", now=now)
        with store.writing() as tx:
            approvals.approve(tx, keyring, mapreading.read(folder / "datamap.yaml"), OFFICER, now)
        diligence.take_care(store, keyring, folder, TEAM, now)
    engine = database.open_database(url)
    if url.startswith("sqlite"):
        (folder / "shop.sqlite3").chmod(0o600)
    seeded = seed.seed(engine, now=now, people=people)
    seed.leave_behind(engine, now)
    with company.open(clock) as troth:
        seeded.introduce(troth)
        if key is not None:
            _keep_a_letter(folder, troth, key, now)
        _end_on_time(company, troth)
        _make_use_of_rights(company, troth, people)
        providers.give(troth, engine, folder)
        _answer_a_court(company, troth, _last_who_ordered(engine, people - 2))
        _work(company, troth, engine, now)
        engine.dispose()
        sequence_all(troth.office.store, troth.office.keyring, clock, host=HOST)
    providers.back_up(folder, backup_key, now)
    return company


def _end_on_time(company: Company, troth: Troth) -> None:
    """An order in dispute is held; what is past its time goes, and from now on does so every night."""
    keeper = Keeper.of(troth.office, settings.read(company.folder, company.environ))
    review = (troth.office.clock.now() + dt.timedelta(days=180)).date()
    try:
        order = holds.Order(HoldScope.RECORD, OFFICER, "a claim about a broken pot", review, place="shop.orders=1")
        holds.place(keeper, order)
        retention.run(keeper, Occasion.SEED)
    finally:
        keeper.close()


def _make_use_of_rights(company: Company, troth: Troth, people: int) -> None:
    """A few people have said no to a use, and a few have had everything paused; from now on that must hold.

    One has a copy of everything, and one was erased. The first of each is a request, as the shop files it.
    """
    for number in range(3, people, max(people // 12, 1))[1:]:
        troth.object_to(f"id={number}", "fraud")
    for number in range(5, people, max(people // 6, 1))[1:]:
        troth.restrict(f"id={number}")
    desk = Desk.of(troth.office, settings.read(company.folder, company.environ))
    try:
        _ask(desk, Right.OBJECTION, 3, purpose="fraud")
        _ask(desk, Right.RESTRICTION, 5)
        _ask(desk, Right.ACCESS, people - 1)
        _ask(desk, Right.ERASURE, people)
    finally:
        desk.close()


def _last_who_ordered(engine: Engine, highest: int) -> int:
    """The customer with the largest number, up to `highest`, who has an order that can be handed over."""
    with engine.connect() as connection:
        statement = text("SELECT max(user_id) FROM orders WHERE user_id <= :highest")
        return int(connection.execute(statement, {"highest": highest}).scalar_one())


def _answer_a_court(company: Company, troth: Troth, about: int) -> None:
    """A court demands all about one person; two people narrow that to the orders, which leave sealed for the court."""
    archive = OpenCompany.of(troth.office, settings.read(company.folder, company.environ))
    asked = Scope(("contact.email", "transaction.purchase", "communication.message"))
    try:
        order = demands.Order(
            "Example Court", "CN", "Art. 41 Example Procedure Act, case 12/26", (identifier("id", str(about)),), asked
        )
        number = demands.file(archive, order).id
        demands.review(archive, number, OFFICER, Scope(("transaction.purchase",)))
        demands.approve(archive, number, DEPUTY)
        _, key = age.new_key()
        answering.carry_out(archive, number, DEPUTY, f"{providers.OUTBOX}/court-{number}.age", key)
    finally:
        archive.close()


def _work(company: Company, troth: Troth, engine: Engine, now: dt.datetime) -> None:
    """The views of analysis and research are made, and every program does its work once, under its purpose."""
    maker = ViewMaker.of(troth.office, settings.read(company.folder, company.environ))
    try:
        closing.follow(maker)
        making.make_all(maker)
        _let_analysts_read(maker, engine)
    finally:
        maker.close()
    chores.do_all(engine, troth, now)
    for purpose, work in (("analytics", analysis.weekly_figures), ("research", analysis.market_research)):
        apart = company.folder / "views" / f"{purpose}.db"  # in a store with roles, the views stand in it
        views = create_engine(f"sqlite:///{apart}") if engine.dialect.name == "sqlite" else engine
        work(troth, views)
        if views is not engine:
            views.dispose()
    letter = orders.confirmation("reader@example.com", 1, post.Post())
    (company.folder / "order-confirmation.eml").write_bytes(carrier.written(letter, now=now))


def _let_analysts_read(maker: ViewMaker, engine: Engine) -> None:
    """What the administrator of a store with roles does: a role for each purpose, which may read its views alone."""
    with engine.begin() as tx:
        for plan in maker.plans():
            if engine.dialect.name == "postgresql" and plan.role is not None:
                there = text("select 1 from pg_roles where rolname = :name")
                if tx.execute(there, {"name": plan.role}).first() is None:
                    tx.exec_driver_sql(f"CREATE ROLE {plan.role} NOLOGIN")
                for statement in making.grants(plan):
                    tx.exec_driver_sql(statement)


def _ask(desk: Desk, right: Right, number: int, purpose: str | None = None) -> None:
    """One request, answered at once. An erasure is the company's own: nobody reads mail here who could confirm it."""
    own = right is Right.ERASURE
    channel, proof = (Channel.TERMINAL, Proof.OPERATOR) if own else (Channel.API, Proof.APP)
    who = (identifier("id", str(number)),)
    filed = requests.file(desk, Intake(right, channel, who, proof=proof, purpose=purpose, app="" if own else "shop"))
    state = fulfilment.go_on(desk, filed.request.id)
    if state is not State.DONE:
        raise TrothError(f"the example company could not answer a request: {right} is {state}")


def _letter_key(folder: Path) -> carrier.Key | None:
    """What signs the newsletter; None where nothing that signs is installed (the extra `mail`)."""
    if find_spec("dkim") is None:
        return None
    key = carrier.make_key()
    file = folder / "letters.pem"
    file.touch(mode=0o600)
    file.write_bytes(key.private)
    return key


def _keep_a_letter(folder: Path, troth: Troth, key: carrier.Key, now: dt.datetime) -> None:
    """The mailer keeps a copy of each mailing: the one to the company's own reader."""
    letter = newsletter.compose(
        troth,
        {"email": "reader@example.com"},
        name="reader",
        subject="New teas",
        body="First flush is here.",
    )
    (folder / "newsletter.eml").write_bytes(carrier.written(letter, now=now, key=key))


def _publish(store: Store, keyring: Keyring, folder: Path) -> None:
    """Version 1 stands on the page since the day that it names itself."""
    data = (folder / "policy.yaml").read_bytes()
    policy = reading.parse(data)
    day = policy.effective or policy.last_updated
    assert day is not None, "the example policy names its days"
    versions.publish(store, keyring, data, policy, now=dt.datetime(day.year, day.month, day.day, tzinfo=_CALENDAR))


_LETTERS = """
[marketing]
# a copy of the newest mailing, as it was sent, and the key that its signature is verified with
sample = "newsletter.eml"
dkim_key = "{}"
"""


def _settings(port: int, tls_port: int, now: dt.datetime, backup_key: str) -> str:
    return f"""# Example Company: settings of its troth. Secrets never stand here; ${{NAME}} reads the environment.
[policy]
file = "policy.yaml"

[map]
file = "datamap.yaml"

[store]
url = "sqlite:///troth.sqlite3"

[site]
url = "http://localhost:{port}"
policy = "/privacy"
centre = "/privacy/centre"
console = "/console"
login = "/log-in"
change_password = "/account"
gpc = {now:%Y-%m-%d}
pages = ["/", "/privacy", "/privacy/centre"]
trust = "{certificates.AUTHORITY}"

[site.forms."/sign-up"]
username = "account.username"
email = "contact.email"
phone = "contact.phone"
password = "account.password"
newsletter = "contact.email"
q = "usage.search"

[site.resolve]
# the public names of the demonstration lead to this machine
"localhost" = "127.0.0.1:{port}"
"{HOST}" = "127.0.0.1:{tls_port}"
"{HOST}:443" = "127.0.0.1:{tls_port}"
# what else a server might answer on: at the demonstration's, nothing does
"{HOST}:22" = "127.0.0.1:1"
"{HOST}:80" = "127.0.0.1:1"
"{HOST}:5432" = "127.0.0.1:1"
# the partner exists on paper only: nobody answers there, and nobody outside is asked for its name
"tea.example.org" = "127.0.0.1:1"
# the stand-ins of the help desk and the storage
"{providers.DESK_HOST}" = "127.0.0.1:{tls_port}"
"{storage.HOST}" = "127.0.0.1:{tls_port}"

[sharing]
observed = ["{providers.LOG}"]

[sharing.ignored]
"updates.example.net" = "fetches software; nothing about people is sent"

[sharing.keys]
# the private key lies in {providers.OUTBOX}/{providers.BACKUP_KEY}; a company keeps it elsewhere
"Example Storage" = "{backup_key}"

[[sharing.buckets]]
recipient = "{storage.RECIPIENT}"
url = "https://{storage.HOST}{storage.PATH}"
region = "{storage.REGION}"
credentials = "{storage.CREDENTIALS}"
places = {{"{storage.REGION}" = "SG", "{storage.ABROAD}" = "US"}}

[sharing.support]
recipient = "Example Desk"
url = "https://{providers.DESK_HOST}{providers.DESK_PATH}"
people = ["{'", "'.join(providers.AGENTS)}"]

[protection]
# wrong passwords for an account that does not exist; what is knocked at; where backups come to lie; what logs hold
login_tries = 10
try_ports = [22, 80, 5432]
closed = ["{providers.OUTBOX}/*.key", "{certificates.CERTIFICATE}", "{storage.CREDENTIALS}"]
logs = ["{providers.LOG}"]

[protection.backups]
files = "{providers.BACKUPS}"
within = "1 week"

[messages]
table = "shop.mail_log"
kind = "kind"

[messages.templates]
order-confirmation = "transactional"
order-sent = "transactional"
newsletter = "marketing"

[messages.samples]
order-confirmation = "order-confirmation.eml"

[views]
# what analysis and research work on: a file for each, without names, of those who may be used
store = "shop"
purposes = ["analytics", "research"]

[views.roles]
# in a store that has roles; SQLite has none
analytics = "shop_analyst"
research = "shop_researcher"

[schedule]
check = "1 hour"

[retention]
run = "daily 03:00"

[record]
# what the record of processing says beyond the policy; there is no representative yet, and the record says so
keeper = "the privacy department"
joint_controllers = []
automated_decisions = {{}}
processing_for = []

[requests]
# a demonstration does not wait; three days is the default
cooling_off = "0 days"

[security]
contact = ["mailto:security@example.com"]
expires = {now + dt.timedelta(days=360):%Y-%m-%d}
languages = ["en"]
"""
