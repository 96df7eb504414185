"""What points at rows that go: foreign keys of every kind, circles, and rows of rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.records.erasing.company import ENGINES, NOW, Company, Make, new_url
from troth.errors import ErasureRefused, RuleBroken
from troth.foundation.records import carrying, erasing

PERSON = "    person: {customer: {table: users, key: id, identifiers: {email: email}}}\n    tables:\n"
USERS = "create table users (id int primary key, email varchar(80) not null);\n"
PEOPLE = "insert into users (id, email) values (1, 'ann@example.org'), (2, 'bob@example.org');\n"
OWN = "      users: {whose: {person: customer}, columns: {email: contact.email}}\n"


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    maker = Make(request.param, new_url(request, tmp_path, request.param))
    yield maker
    maker.close()


def _erased(company: Company) -> dict[str, list[tuple[object, ...]]]:
    """Ann is erased: nothing of hers left, nothing dangling; all rows that are left."""
    ann = company.find("1")
    company.erase(ann)
    assert company.recount(ann) == {}
    assert company.dangling() == {}
    return {name: company.rows(name) for name in company.records.catalogue("shop").tables}


def test_rows_of_others_that_point_at_a_row_that_goes_lose_the_pointer_and_nothing_else(make: Make) -> None:
    company = make(
        USERS
        + """create table sessions (id int primary key, user_id int not null, foreign key (user_id) references users (id));
create table events (id int primary key, user_id int not null, session_id int, url varchar(20),
  foreign key (user_id) references users (id), foreign key (session_id) references sessions (id));
"""
        + PEOPLE
        + """insert into sessions values (1, 1), (2, 2);
insert into events values (1, 1, 1, '/a'), (2, 2, 1, '/b'), (3, 2, 2, '/c'), (4, 1, 2, '/d');
""",
        PERSON + OWN + "      sessions: {whose: user_id}\n      events: {whose: user_id}\n",
    )

    left = _erased(company)

    assert left["events"] == [(2, 2, None, "/b"), (3, 2, 2, "/c")]
    assert left["sessions"] == [(2, 2)]


def test_a_pointer_of_others_that_may_not_be_null_is_refused_with_its_rule_before_anything_runs(make: Make) -> None:
    company = make(
        USERS
        + """create table sessions (id int primary key, user_id int not null, foreign key (user_id) references users (id));
create table events (id int primary key, user_id int not null, session_id int not null,
  constraint of_session foreign key (session_id) references sessions (id));
"""
        + PEOPLE
        + "insert into sessions values (1, 1), (2, 2);\ninsert into events values (1, 1, 1), (2, 2, 2);\n",
        PERSON + OWN + "      sessions: {whose: user_id}\n      events: {whose: user_id}\n",
    )
    company.erase(company.find("1"))  # nobody else's event points at her session
    company.run("insert into users values (3, 'cy@example.org')", "insert into sessions values (3, 3)")
    company.run("insert into events values (3, 2, 3)")
    before = company.everything()

    with pytest.raises(ErasureRefused, match=r"events: rows that point at rows of sessions .*(of_session|session_id)"):
        company.plan(company.find("3"))

    assert company.everything() == before


def test_what_comes_between_plan_and_deed_stops_the_deed(make: Make) -> None:
    company = make(
        USERS
        + """create table sessions (id int primary key, user_id int not null, foreign key (user_id) references users (id));
create table events (id int primary key, user_id int not null, session_id int not null,
  constraint of_session foreign key (session_id) references sessions (id));
"""
        + PEOPLE
        + "insert into sessions values (1, 1), (2, 2);\ninsert into events values (1, 1, 1), (2, 2, 2);\n",
        PERSON + OWN + "      sessions: {whose: user_id}\n      events: {whose: user_id}\n",
    )
    ann = company.find("1")
    plan = company.plan(ann)
    company.run("insert into events values (3, 2, 1)")
    before = company.everything()

    with company.writer() as writer, pytest.raises(ErasureRefused, match="came after the plan"):
        carrying.carry_out(writer, plan, ann, "r1", at=NOW)

    assert company.everything() == before


def test_a_cascade_into_rows_of_others_is_refused_with_its_rule(make: Make) -> None:
    company = make(
        USERS
        + """create table posts (id int primary key, user_id int not null, foreign key (user_id) references users (id));
create table comments (id int primary key, post_id int not null, user_id int not null,
  constraint of_post foreign key (post_id) references posts (id) on delete cascade);
"""
        + PEOPLE
        + "insert into posts values (1, 1), (2, 2);\ninsert into comments values (1, 1, 1), (2, 1, 2), (3, 2, 1);\n",
        PERSON + OWN + "      posts: {whose: user_id}\n      comments: {whose: user_id}\n",
    )

    with pytest.raises(ErasureRefused, match=r"comments: .* would be deleted with them.*(of_post|post_id)"):
        company.plan(company.find("1"))
    company.run("delete from comments where id = 2")

    assert _erased(company)["comments"] == []


def test_a_cascade_into_rows_that_the_map_keeps_is_refused_when_compiled(make: Make) -> None:
    keep = "{keep: [id, user_id, at], ground: tax-law, until: at + 10 years}"
    script = USERS + (
        "create table bills (id int primary key, user_id int, at timestamp null,\n"
        "  constraint of_user foreign key (user_id) references users (id) on delete cascade);\n" + PEOPLE
    )
    company = make(
        script + "insert into bills values (1, 1, '2025-01-01 00:00:00');\n",
        PERSON + OWN + f"      bills: {{whose: user_id, on_erasure: {keep}}}\n",
    )

    with pytest.raises(ErasureRefused, match=r"bills\.user_id: the row stays, and would be deleted by the store"):
        company.plan(company.find("1"))
    change = keep.replace("user_id, ", "").replace("10 years", "10 years, change: {user_id: null}")

    left = _erased(company.mapped(PERSON + OWN + f"      bills: {{whose: user_id, on_erasure: {change}}}\n"))
    assert [row[:2] for row in left["bills"]] == [(1, None)]


def test_a_kept_column_that_points_at_a_row_that_goes_is_a_contradiction(make: Make) -> None:
    company = make(
        USERS
        + "create table bills (id int primary key, user_id int not null, at timestamp null,\n"
        + "  foreign key (user_id) references users (id));\n"
        + PEOPLE
        + "insert into bills values (1, 1, '2025-01-01 00:00:00');\n",
        PERSON
        + OWN
        + "      bills: {whose: user_id, on_erasure: {keep: [id, user_id, at], ground: tax-law, until: at + 10 years}}\n",
    )

    with pytest.raises(ErasureRefused, match=r"bills\.user_id: the row stays and points at a row of users that goes"):
        company.plan(company.find("1"))


def test_what_the_store_sets_to_null_by_itself_is_seen_and_left_to_it(make: Make) -> None:
    company = make(
        USERS
        + """create table notes (id int primary key, user_id int, about int, foreign key (user_id) references users (id),
  foreign key (about) references users (id) on delete set null);
"""
        + PEOPLE
        + "insert into notes values (1, 1, 1), (2, 2, 1), (3, 2, 2);\n",
        PERSON + OWN + "      notes: {whose: user_id}\n",
    )
    notes = company.plan(company.find("1")).notes
    assert any("notes.about" in note for note in notes)

    assert _erased(company)["notes"] == [(2, 2, None), (3, 2, 2)]


def test_a_circle_of_tables_is_opened_where_a_pointer_may_be_null(make: Make) -> None:
    company = make(
        """create table users (id int primary key, email varchar(80) not null, main_address int);
create table addresses (id int primary key, user_id int not null, street varchar(20), foreign key (user_id) references users (id));
alter table users add foreign key (main_address) references addresses (id);
"""
        if make.engine != "sqlite"
        else """create table users (id int primary key, email varchar(80) not null, main_address int references addresses (id));
create table addresses (id int primary key, user_id int not null references users (id), street varchar(20));
""",
        PERSON + OWN + "      addresses: {whose: user_id}\n",
    )
    company.run(
        "insert into users (id, email) values (1, 'ann@example.org'), (2, 'bob@example.org')",
        "insert into addresses values (10, 1, 'a'), (20, 2, 'b')",
        "update users set main_address = id * 10",
    )

    left = _erased(company)

    assert left == {"users": [(2, "bob@example.org", 20)], "addresses": [(20, 2, "b")]}


def test_a_circle_without_null_waits_for_the_end_of_the_transaction_or_is_refused(make: Make) -> None:
    if make.engine == "sqlite":
        script = """create table users (id int primary key, email varchar(80) not null, main_address int not null references addresses (id) deferrable initially deferred);
create table addresses (id int primary key, user_id int not null references users (id), street varchar(20));
"""
    else:
        waits = "deferrable initially deferred" if make.engine == "postgresql" else ""
        script = f"""create table users (id int primary key, email varchar(80) not null, main_address int not null);
create table addresses (id int primary key, user_id int not null, street varchar(20), foreign key (user_id) references users (id));
alter table users add constraint lives foreign key (main_address) references addresses (id) {waits};
"""
    company = make(script, PERSON + OWN + "      addresses: {whose: user_id}\n")
    off = ["set foreign_key_checks = 0"] if make.engine == "mariadb" else []
    company.run(
        *off,
        "insert into users values (1, 'ann@example.org', 10), (2, 'bob@example.org', 20)",
        "insert into addresses values (10, 1, 'a'), (20, 2, 'b')",
    )
    if make.engine == "mariadb":
        with pytest.raises(ErasureRefused, match=r"point at each other.*lives"):
            company.plan(company.find("1"))
        return

    assert _erased(company) == {"users": [(2, "bob@example.org", 20)], "addresses": [(20, 2, "b")]}


def test_rows_that_point_at_rows_of_their_own_table_go_together(make: Make) -> None:
    company = make(
        USERS
        + """create table folders (id int primary key, user_id int not null, parent_id int,
  foreign key (user_id) references users (id), foreign key (parent_id) references folders (id));
"""
        + PEOPLE
        + "insert into folders values (1, 1, null), (2, 1, 1), (3, 1, 2), (4, 2, null), (5, 2, 4), (6, 2, 1);\n",
        PERSON + OWN + "      folders: {whose: user_id}\n",
    )

    assert _erased(company)["folders"] == [(4, 2, None), (5, 2, 4), (6, 2, None)]


def test_rows_that_must_point_at_rows_of_their_own_table_go_together(make: Make) -> None:
    company = make(
        USERS
        + """create table folders (id int primary key, parent_id int not null, user_id int not null,
  foreign key (user_id) references users (id), foreign key (parent_id) references folders (id));
"""
        + PEOPLE
        + "insert into folders values (1, 1, 1);\ninsert into folders values (2, 1, 1);\ninsert into folders values (3, 2, 1);\n"
        + "insert into folders values (4, 4, 2);\n",
        PERSON + OWN + "      folders:\n        whose: {any: [user_id, parent_id > folders.id]}\n",
    )
    if make.engine == "mariadb":  # it deletes no row that points at itself, not even alone
        with pytest.raises(ErasureRefused, match=r"folders\.parent_id: this store deletes no row together with"):
            company.plan(company.find("1"))
        return

    assert _erased(company)["folders"] == [(4, 4, 2)]


def test_replies_to_their_rows_go_with_them_however_deep(make: Make) -> None:
    company = make(
        USERS
        + """create table comments (id int primary key, user_id int, parent_id int, body varchar(20),
  foreign key (parent_id) references comments (id));
"""
        + PEOPLE
        + "insert into comments values (1, 2, null, 'b'), (2, 1, 1, 'a'), (3, 2, 2, 'b'), (4, 2, 3, 'b'), (5, 2, 1, 'b');\n",
        PERSON + OWN + "      comments:\n        whose: {any: [user_id, parent_id > comments.id]}\n",
    )

    assert _erased(company)["comments"] == [(1, 2, None, "b"), (5, 2, 1, "b")]


def test_rows_found_through_rows_that_must_go_first_are_remembered(make: Make) -> None:
    company = make(
        USERS
        + """create table carts (id int primary key, label varchar(20));
create table members (cart_id int not null, user_id int not null, primary key (cart_id, user_id),
  foreign key (cart_id) references carts (id), foreign key (user_id) references users (id));
create table positions (id int primary key, cart_id int, foreign key (cart_id) references carts (id));
"""
        + PEOPLE
        + """insert into carts values (1, 'a'), (2, 'b'), (3, 'both');
insert into members values (1, 1), (2, 2), (3, 1), (3, 2);
insert into positions values (1, 1), (2, 2), (3, 3);
""",
        PERSON
        + OWN
        + "      members: {whose: user_id}\n"
        + "      carts: {whose: id > members.cart_id, shared: by-reference}\n"
        + "      positions: {whose: cart_id > carts, shared: by-reference}\n",
    )

    left = _erased(company)

    assert left["carts"] == [(2, "b"), (3, "both")]
    assert left["members"] == [(2, 2), (3, 2)]


def test_an_address_of_two_goes_with_the_last_of_them(make: Make) -> None:
    company = make(
        """create table addresses (id int primary key, street varchar(20));
create table users (id int primary key, email varchar(80) not null, address_id int, foreign key (address_id) references addresses (id));
insert into addresses values (1, 'shared'), (2, 'hers alone');
insert into users values (1, 'ann@example.org', 1), (2, 'bob@example.org', 1), (3, 'cy@example.org', 2);
""",
        PERSON + OWN + "      addresses: {whose: id > users.address_id, shared: by-reference}\n",
    )

    assert _erased(company)["addresses"] == [(1, "shared"), (2, "hers alone")]
    company.erase(company.find("3"), "r2")
    assert company.rows("addresses") == [(1, "shared")]
    company.erase(company.find("2"), "r3")
    assert company.rows("addresses") == []


def test_pointers_at_a_shared_row_are_cut_only_where_somebody_elses_could_be_left(make: Make) -> None:
    held = """create table addresses (id int primary key, street varchar(20));
create table users (id int primary key, email varchar(80) not null, address_id int, foreign key (address_id) references addresses (id));
create table parcels (id int primary key, user_id int, address_id int, foreign key (user_id) references users (id),
  foreign key (address_id) references addresses (id));
create table pins (id int primary key, address_id int, foreign key (address_id) references addresses (id));
create index pins_address on pins (address_id);
insert into addresses values (1, 'hers alone'), (2, 'of nobody');
insert into users values (1, 'ann@example.org', 1), (2, 'bob@example.org', null);
insert into parcels values (1, 1, 1), (2, 1, 2), (3, null, 2);
insert into pins values (1, 1), (2, 2);
"""
    paths = "{any: [id > users.address_id, id > parcels.address_id]}"
    company = make(
        held,
        PERSON
        + OWN
        + "      parcels: {whose: user_id}\n"
        + f"      addresses: {{whose: {paths}, shared: by-reference}}\n"
        + "      pins: {personal: no, why: marks on a map}\n",
    )

    cuts = [cut.pointer.table for cut in erasing.compile(company.reach, company.kind).cuts]
    left = _erased(company)

    assert cuts == ["pins"], "the others are how an address is reached, and hold it while they stand"
    assert left["addresses"] == [(2, "of nobody")]
    assert left["parcels"] == [(3, None, 2)], "nobody's row keeps what it points at"
    assert left["pins"] == [(1, None), (2, 2)]


def test_keys_of_several_columns_lead_and_point_as_one(make: Make) -> None:
    company = make(
        """create table members (tenant_id int not null, user_id int not null, email varchar(80), primary key (tenant_id, user_id));
create table orders (id int primary key, tenant_id int not null, user_id int,
  foreign key (tenant_id, user_id) references members (tenant_id, user_id));
create table seats (id int primary key, tenant_id int not null, user_id int,
  foreign key (tenant_id, user_id) references members (tenant_id, user_id));
insert into members values (1, 7, 'ann@example.org'), (1, 8, 'bob@example.org'), (2, 7, 'cy@example.org');
insert into orders values (1, 1, 7), (2, 1, 8), (3, 2, 7);
insert into seats values (1, 1, 7), (2, 1, 8), (3, 2, 7);
""",
        """    person: {member: {table: members, key: [tenant_id, user_id], identifiers: {email: email}}}
    tables:
      members: {whose: {person: member}, columns: {email: contact.email}}
      orders: {whose: [tenant_id, user_id]}
      seats: {whose: [tenant_id, user_id], on_erasure: {change: {user_id: null}}}
""",
    )
    ann = company.find("shop.member:1,7")

    company.erase(ann)

    assert company.rows("orders") == [(2, 1, 8), (3, 2, 7)]
    assert company.rows("seats") == [(1, 1, None), (2, 1, 8), (3, 2, 7)]
    assert company.recount(ann) == {}
    assert company.dangling() == {}


def test_a_rule_that_nobody_foresaw_stops_everything_and_is_named(make: Make) -> None:
    company = make(
        USERS + "create table notes (id int primary key, user_id int, body varchar(20) check (body <> '[redacted]'));\n"
        + PEOPLE + "insert into notes values (1, 1, 'a');\n",
        PERSON + OWN + "      notes: {whose: user_id, on_erasure: {change: {user_id: null, body: redact}}}\n",
    )  # fmt: skip
    before = company.everything()

    with pytest.raises(RuleBroken, match="a rule of the store forbids it") as caught:
        company.erase(company.find("1"))

    assert "ann" not in str(caught.value)
    assert company.everything() == before
