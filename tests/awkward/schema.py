"""The tables, and what only some engines have: triggers, a view, partitions.

| Trap | Where |
|---|---|
| no foreign keys; keys as text where numbers are meant | profiles, mail_log, member_visits |
| RESTRICT, a cycle of two tables, a table that points at itself | user, order, staff, comments |
| polymorphic links whose ids collide | attachments |
| soft delete and an archive of it; copies of columns | user.deleted_at, user_archive, search_index |
| names as text, e-mail-only rows, guest orders | wiki_edits, mail_log, order.guest_email |
| JSON (numbers and texts, lists, in a column of text), serialised text, bytes | events, hooks, devices, sessions, caches |
| NULL owner | notes |
| shared by deduplication | addresses |
| two-party and group rows; a link table | messages, threads, thread_members, thread_posts |
| staff notes about somebody; third persons inside | staff_notes, messages.body |
| rows a law keeps | order, order items |
| composite keys; identifiers in a table of their own | members, member_mails, member_visits, visit pages |
| rows that hang on rows of their own table, to any depth | folders |
| triggers, views, partitions | profiles to audit_log, user_contacts, visits |
| reserved words, quotes, percent signs, Unicode, spaces in names | user, order, sel"ect.from`x, 名前 |
"""

from __future__ import annotations

import sqlalchemy
from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

UGLY = 'sel"ect.from`x'
UGLY_OWNER = "O'Brien; drop table--"

metadata = MetaData()


def _table(name: str, *columns: object, numbered: bool = True, **options: object) -> Table:
    own = (Column("id", Integer, primary_key=True, autoincrement=False),) if numbered else ()
    return Table(name, metadata, *own, *columns, **options)  # type: ignore[arg-type]


user = _table(
    "user",
    Column("E-Mail Adresse", String(120)),
    Column("phone", String(60)),
    Column("user name", String(80)),
    Column("password_hash", String(80)),
    Column("referrer_id", ForeignKey("user.id")),
    Column("address_id", ForeignKey("addresses.id")),
    Column("main_order_id", Integer),
    Column("deleted_at", DateTime),
    ForeignKeyConstraint(["main_order_id"], ["order.id"], name="user_main_order", use_alter=True),
)
addresses = _table("addresses", Column("street", String(80)), Column("city", String(80)))
profiles = _table("profiles", Column("user_id", String(20)), Column("bio", Text))
order = _table(
    "order",
    Column("user_id", ForeignKey("user.id"), index=True),
    Column("guest_email", String(120)),
    Column("ship_to", ForeignKey("addresses.id")),
    Column("placed_at", DateTime),
    Column("billing_name", String(80)),
    Column("note", Text),
    Column("group", String(20)),
)
order_items = _table("order items", Column("order_id", ForeignKey("order.id"), index=True), Column("gift note", Text))
parcels = _table("parcels", Column("item_id", ForeignKey("order items.id"), index=True), Column("label", String(120)))
folders = _table(
    "folders",
    Column("owner_id", ForeignKey("user.id"), index=True),
    Column("parent_id", ForeignKey("folders.id"), index=True),
    Column("title", String(120)),
)
comments = _table(
    "comments",
    Column("author_id", Integer, index=True),
    Column("parent_id", ForeignKey("comments.id"), index=True),
    Column("body", Text),
)
attachments = _table(
    "attachments", Column("object_type", String(20)), Column("object_id", Integer), Column("file_name", String(120))
)
document = JSON().with_variant(JSONB(), "postgresql")
events = _table("events", Column("payload", document), Column("at", DateTime))
hooks = _table("hooks", Column("body", Text))
devices = _table("devices", Column("record", document))
sessions = _table("sessions", Column("session_data", Text))
caches = _table("caches", Column("pickled", LargeBinary))
mail_log = _table("mail_log", Column("recipient", String(120)), Column("subject", String(120)))
wiki_edits = _table("wiki_edits", Column("editor", String(80)), Column("summary", String(120)))
notes = _table("notes", Column("user_id", Integer, index=True), Column("text", Text))
messages = _table(
    "messages",
    Column("sender_id", ForeignKey("user.id"), index=True),
    Column("recipient_id", ForeignKey("user.id"), index=True),
    Column("body", Text),
)
threads = _table("threads", Column("topic", String(120)))
thread_members = _table(
    "thread_members",
    Column("thread_id", ForeignKey("threads.id"), primary_key=True),
    Column("user_id", ForeignKey("user.id"), primary_key=True, index=True),
    Column("nickname", String(80)),
    numbered=False,
)
thread_posts = _table(
    "thread_posts",
    Column("thread_id", ForeignKey("threads.id")),
    Column("user_id", ForeignKey("user.id"), index=True),
    Column("text", Text),
)
staff = _table(
    "staff",
    Column("code", String(20), primary_key=True),
    Column("mail", String(120)),
    Column("reports_to", ForeignKey("staff.code")),
    numbered=False,
)
staff_notes = _table(
    "staff_notes",
    Column("user_id", ForeignKey("user.id"), index=True),
    Column("staff_code", ForeignKey("staff.code")),
    Column("text", Text),
)
members = _table(
    "members",
    Column("tenant_id", Integer, primary_key=True, autoincrement=False),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("full name", String(80)),
    numbered=False,
)
member_mails = _table(
    "member_mails",
    Column("tenant_id", Integer),
    Column("no", Integer),
    Column("address", String(120)),
    ForeignKeyConstraint(["tenant_id", "no"], ["members.tenant_id", "members.no"]),
)
member_visits = _table(
    "member_visits",
    Column("tenant", Integer, primary_key=True, autoincrement=False),
    Column("visit", Integer, primary_key=True, autoincrement=False),
    Column("member_no", String(20)),
    Column("reason", String(120)),
    numbered=False,
)
visit_pages = _table(
    "visit pages",
    Column("visit", Integer),
    Column("tenant", Integer),
    Column("page", String(120)),
    ForeignKeyConstraint(["tenant", "visit"], ["member_visits.tenant", "member_visits.visit"]),
)
user_archive = _table("user_archive", Column("user_id", Integer), Column("email", String(120)))
search_index = _table("search_index", Column("doc_id", String(20)), Column("body", Text))
audit_log = _table("audit_log", Column("user_id", Integer), Column("was", Text))
ugly = Table(UGLY, metadata, Column(UGLY_OWNER, Integer, index=True), Column("50%", String(120)), Column("a:b", Text))
wide = _table("名前", Column("größe", Integer), Column("Mixed Case", String(120)))
wares = _table("wares", Column("title", String(80)))

VISITS = {
    "sqlite": ["create table visits (id integer, user_id integer, page varchar(120))", "create index visits_user on visits (user_id)"],
    "postgresql": [
        "create table visits (id integer, user_id integer, page varchar(120)) partition by range (id)",
        "create table visits_low partition of visits for values from (0) to (500)",
        "create table visits_high partition of visits for values from (500) to (100000)",
        "create index visits_user on visits (user_id)",
    ],
    "mysql": [
        "create table visits (id integer, user_id integer, page varchar(120), key (user_id)) partition by hash (id) partitions 3"
    ],
}  # fmt: skip
VIEW = 'create view user_contacts as select id, "E-Mail Adresse" as mail from "user"'
TRIGGERS = {
    "sqlite": [
        (
            "create trigger profiles_gone after delete on profiles begin insert into audit_log (id, user_id, was) "
            "values (10000 + old.id, cast(old.user_id as integer), old.bio); end"
        )
    ],
    "postgresql": [
        (
            "create function profile_gone() returns trigger language plpgsql as $$ begin insert into audit_log "
            "(id, user_id, was) values (10000 + old.id, cast(old.user_id as integer), old.bio); return old; end $$"
        ),
        "create trigger profiles_gone after delete on profiles for each row execute function profile_gone()",
    ],
    "mysql": [
        (
            "create trigger profiles_gone after delete on profiles for each row insert into audit_log (id, user_id, was) "
            "values (10000 + old.id, old.user_id, old.bio)"
        )
    ],
}


def create(engine: sqlalchemy.Engine) -> None:
    """All tables, the view and the triggers, in an empty database."""
    metadata.create_all(engine)
    kind = engine.dialect.name
    with engine.begin() as connection:
        view = VIEW.replace('"', "`") if kind == "mysql" else VIEW
        for statement in (*VISITS[kind], view, *TRIGGERS[kind]):
            connection.exec_driver_sql(statement)
