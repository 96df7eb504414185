"""People of the awkward shop, and what of theirs stands where.

Every personal value is a needle: `ndl-PERSON-TABLE-COLUMN-N-end`, with the person told twice over so that 1 is not found
in 11. Customers 1, 2, 3, 11 and 12, the guest 90 (orders and mail, no account), staff S-1 and S-11, members (1, 1),
(1, 11) and (11, 1): keys that are parts of each other on purpose.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy

from tests.awkward import schema
from tests.awkward.schema import UGLY, UGLY_OWNER, metadata

CUSTOMERS = ("customer:1", "customer:2", "customer:3", "customer:11", "customer:12")
STAFF = ("staff:S-1", "staff:S-11")
MEMBERS = ("member:1,1", "member:1,11", "member:11,1")
GUEST = "guest:90"
PEOPLE = (*CUSTOMERS, *STAFF, *MEMBERS, GUEST)
PLACED = dt.datetime(2026, 3, 1, 12, 0)

Place = tuple[str, str]


@dataclass
class Seeded:
    """What was written. `needles` are one person's alone; `shared` stand in rows that several people share."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    owners: dict[str, list[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(list))
    needles: dict[str, dict[Place, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    shared: dict[str, dict[Place, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def needle(self, person: str, table: str, column: str, shape: str = "{}") -> str:
        """A new text of this person's for that column; `shape` makes an address or a name of it."""
        taken = len(self.needles[person][table, column])
        mark = person.replace(":", "").replace(",", "x").replace("-", "").lower()
        words = "".join(letter if letter.isascii() and letter.isalnum() else "" for letter in f"{table}{column}")
        found = shape.format(f"ndl-{mark}-{words.lower()}-{taken}-end")
        self.needles[person][table, column].append(found)
        return found

    def common(self, people: tuple[str, ...], table: str, column: str) -> str:
        marks = "".join(person.partition(":")[2] for person in people)
        found = f"shr-{marks}-{table.replace('_', '')}-{column}-{len(self.rows[table])}-end"
        for person in people:
            self.shared[person][table, column].append(found)
        return found

    def row(self, owners: str | tuple[str, ...], table: str, **values: Any) -> int:
        """Put a row into `table`; a table that numbers its rows gets the next number, which is told."""
        made = metadata.tables.get(table)
        number = len(self.rows[table]) + 1
        if "id" not in values and (made is None or "id" in made.c):
            values = {"id": number, **values}
        self.rows[table].append(values)
        self.owners[table].append((owners,) if isinstance(owners, str) else owners)
        return number


def seeded() -> Seeded:
    """Everything, as it is to be written; the same every time."""
    told = Seeded()
    _addresses_and_users(told)
    for person in CUSTOMERS:
        _of_customer(told, person)
    _of_guest(told)
    _of_nobody(told)
    _between_people(told)
    _of_staff(told)
    _of_members(told)
    return told


def write(engine: sqlalchemy.Engine, told: Seeded) -> None:
    """Write it, tables in the order of their keys; the cycle of `user` and `order` is closed at the end."""
    with engine.begin() as connection:
        later = ("main_order_id", "referrer_id")
        closing = [{name: row.pop(name) for name in later} for row in told.rows["user"]]
        ordered = [*(table.name for table in metadata.sorted_tables if table.name != "user"), "visits"]
        ordered.insert(ordered.index("addresses") + 1, "user")
        staff_first = sorted(ordered, key=lambda name: name not in ("staff", "wares"))
        for name in staff_first:
            if not told.rows.get(name):
                continue
            table = metadata.tables.get(name)
            if table is None:
                table = sqlalchemy.table(name, *map(sqlalchemy.column, told.rows[name][0]))
            connection.execute(table.insert(), told.rows[name])
        for row, values in zip(told.rows["user"], closing, strict=True):
            connection.execute(schema.user.update().where(schema.user.c.id == row["id"]).values(values))
            row.update(values)


def number_at(told: Seeded, number: int) -> int:
    return next(at for at, row in enumerate(told.rows["user"]) if row["id"] == number)


def _number(person: str) -> int:
    return int(person.partition(":")[2])


def _mail(told: Seeded, person: str) -> str:
    return told.needles[person]["user", "E-Mail Adresse"][0]


def _addresses_and_users(told: Seeded) -> None:
    # customers 1 and 2 live together; 3, 11 and 12 alone; the guest's order goes where 12 lives
    homes = [("customer:1", "customer:2"), ("customer:3",), ("customer:11",), ("customer:12", GUEST)]
    home_of = {}
    for owners in homes:
        if len(owners) > 1:
            street, city = (told.common(owners, "addresses", column) for column in ("street", "city"))
        else:
            street, city = (told.needle(owners[0], "addresses", column) for column in ("street", "city"))
        number = told.row(owners, "addresses", street=street, city=city)
        home_of |= dict.fromkeys(owners, number)
    told.row((), "addresses", street="Lager 1", city="Nowhere")
    for person in CUSTOMERS:
        number = _number(person)
        told.row(
            person,
            "user",
            id=number,
            **{
                "E-Mail Adresse": told.needle(person, "user", "E-Mail Adresse", "{}@example.org"),
                "phone": told.needle(person, "user", "phone", "+49 {}"),
                "user name": told.needle(person, "user", "user name", "Name {}"),
                "password_hash": told.needle(person, "user", "password_hash"),
            },
            referrer_id={2: 1, 11: 1, 1: 3}.get(number),
            address_id=home_of[person],
            main_order_id=None,
            deleted_at=PLACED if number == 12 else None,
        )


def _of_customer(told: Seeded, person: str) -> None:
    number, mail = _number(person), _mail(told, person)
    name = told.needles[person]["user", "user name"][0]
    home = next(row["address_id"] for row in told.rows["user"] if row["id"] == number)

    def own(table: str, column: str, shape: str = "{}") -> str:
        return told.needle(person, table, column, shape)

    told.row(person, "profiles", user_id=str(number), bio=own("profiles", "bio"))
    for _ in range(2):
        order = told.row(
            person,
            "order",
            user_id=number,
            guest_email=None,
            ship_to=home,
            placed_at=PLACED,
            billing_name=own("order", "billing_name"),
            note=own("order", "note"),
            group="retail",
        )
        item = told.row(person, "order items", order_id=order, **{"gift note": own("order items", "gift note")})
        told.row(person, "parcels", item_id=item, label=own("parcels", "label"))
        told.row(person, "attachments", object_type="Order", object_id=order, file_name=own("attachments", "file_name"))
    told.rows["user"][number_at(told, number)]["main_order_id"] = order
    # by the same person, as a guest, before they had an account; written in capitals
    guest = mail.upper() if number == 2 else mail
    told.row(
        person, "order", user_id=None, guest_email=guest, ship_to=None, placed_at=PLACED,
        billing_name=own("order", "billing_name"), note=own("order", "note"), group="guest",
    )  # fmt: skip
    root = told.row(person, "folders", owner_id=number, parent_id=None, title=own("folders", "title"))
    for _ in range(3):  # each inside the last; only the first says whose
        root = told.row(person, "folders", owner_id=None, parent_id=root, title=own("folders", "title"))
    first = told.row(person, "comments", author_id=number, parent_id=None, body=own("comments", "body"))
    other = CUSTOMERS[(CUSTOMERS.index(person) + 1) % len(CUSTOMERS)]
    told.row(other, "comments", author_id=_number(other), parent_id=first, body=told.needle(other, "comments", "body"))
    told.row(person, "attachments", object_type="User", object_id=number, file_name=own("attachments", "file_name"))
    told.row((), "attachments", object_type="Product", object_id=number, file_name="teapot.png")
    payload: dict[str, Any] = {"user": {"id": number}, "said": own("events", "payload")}
    told.row(person, "events", payload=payload, at=PLACED)
    told.row(person, "events", payload={"user": {"id": str(number)}, "said": own("events", "payload")}, at=PLACED)
    body = json.dumps({"customer": {"mail": mail}, "text": own("hooks", "body")}, ensure_ascii=False)
    told.row(person, "hooks", body=body)
    told.row(person, "devices", record={"owners": [{"id": number}], "name": own("devices", "record")})
    told.row(
        person,
        "sessions",
        session_data=f'a:2:{{s:7:"user_id";i:{number};s:1:"x";s:9:"{own("sessions", "session_data")}";}}',
    )
    told.row(person, "caches", pickled=f"\x80\x04<{mail}>{own('caches', 'pickled')}\x00.".encode("latin-1"))
    told.row(person, "mail_log", recipient=mail.title() if number == 3 else mail, subject=own("mail_log", "subject"))
    told.row(person, "wiki_edits", editor=name.replace(" ", "_").lower(), summary=own("wiki_edits", "summary"))
    told.row(person, "notes", user_id=number, text=own("notes", "text"))
    told.row(person, "user_archive", user_id=number, email=own("user_archive", "email", "old-{}@example.org"))
    told.row(person, "search_index", doc_id=str(number), body=own("search_index", "body"))
    told.row(person, "visits", id=number * 40, user_id=number, page=own("visits", "page"))
    told.row(person, "visits", id=number * 40 + 1000, user_id=number, page=own("visits", "page"))
    told.row(person, UGLY, **{UGLY_OWNER: number, "50%": own(UGLY, "50%"), "a:b": own(UGLY, "a:b")})
    told.row(person, "名前", größe=number, **{"Mixed Case": own("名前", "Mixed Case")})


def _of_guest(told: Seeded) -> None:
    mail = "ndl-guest90-mail-0-end@example.org"
    told.needles[GUEST]["order", "guest_email"].append(mail)
    told.row(
        GUEST, "order", user_id=None, guest_email=mail, ship_to=4, placed_at=PLACED,
        billing_name=told.needle(GUEST, "order", "billing_name"), note=told.needle(GUEST, "order", "note"), group="guest",
    )  # fmt: skip
    told.row(GUEST, "mail_log", recipient=mail, subject=told.needle(GUEST, "mail_log", "subject"))


def _of_nobody(told: Seeded) -> None:
    told.row(
        (),
        "order",
        user_id=None,
        guest_email=None,
        ship_to=5,
        placed_at=PLACED,
        billing_name=None,
        note="till",
        group="x",
    )
    told.row((), "notes", user_id=None, text="opening hours")
    told.row((), "folders", owner_id=None, parent_id=None, title="public")
    told.row((), "comments", author_id=999, parent_id=None, body="of somebody long gone")
    told.row((), "wiki_edits", editor="Name of nobody", summary="spelling")
    told.row((), "events", payload={"user": None}, at=PLACED)
    told.row((), "events", payload=["no", "object"], at=PLACED)
    told.row((), "devices", record={"owners": "none"})
    told.row((), "sessions", session_data='a:1:{s:7:"user_id";i:0;}')
    told.row((), "hooks", body=json.dumps({"customer": None}))
    told.row((), "wares", title="teapot")


def _between_people(told: Seeded) -> None:
    pairs = [
        ("customer:1", "customer:2"),
        ("customer:2", "customer:1"),
        ("customer:11", "customer:1"),
        ("customer:3", "customer:3"),
    ]
    for sender, recipient in pairs:
        owners = (sender,) if sender == recipient else (sender, recipient)
        told.row(
            owners, "messages", sender_id=_number(sender), recipient_id=_number(recipient),
            body=told.needle(sender, "messages", "body"),
        )  # fmt: skip
    for members in (("customer:1", "customer:2", "customer:11"), ("customer:12",)):
        owners = members
        topic = (
            told.common(owners, "threads", "topic") if len(owners) > 1 else told.needle(owners[0], "threads", "topic")
        )
        thread = told.row(owners, "threads", topic=topic)
        for person in members:
            nickname = told.needle(person, "thread_members", "nickname")
            told.row(person, "thread_members", thread_id=thread, user_id=_number(person), nickname=nickname)
            told.row(
                person, "thread_posts", thread_id=thread, user_id=_number(person),
                text=told.needle(person, "thread_posts", "text"),
            )  # fmt: skip


def _of_staff(told: Seeded) -> None:
    for person, above in (("staff:S-1", None), ("staff:S-11", "S-1")):
        mail = told.needle(person, "staff", "mail", "{}@shop.example.org")
        told.row(person, "staff", code=person.partition(":")[2], mail=mail, reports_to=above)
    for customer, author in (("customer:1", "staff:S-1"), ("customer:2", "staff:S-1"), ("customer:11", "staff:S-11")):
        owners = (customer, author)
        told.row(
            owners, "staff_notes", user_id=_number(customer), staff_code=author.partition(":")[2],
            text=told.common(owners, "staff_notes", "text"),
        )  # fmt: skip


def _of_members(told: Seeded) -> None:
    for at, person in enumerate(MEMBERS):
        tenant, no = map(int, person.partition(":")[2].split(","))
        told.row(
            person, "members", tenant_id=tenant, no=no, **{"full name": told.needle(person, "members", "full name")}
        )
        for _ in range(2):
            mail = told.needle(person, "member_mails", "address", "{}@example.net")
            told.row(person, "member_mails", tenant_id=tenant, no=no, address=mail)
        visit = 100 + at
        reason = told.needle(person, "member_visits", "reason")
        told.row(person, "member_visits", tenant=tenant, visit=visit, member_no=str(no), reason=reason)
        told.row(person, "visit pages", visit=visit, tenant=tenant, page=told.needle(person, "visit pages", "page"))
