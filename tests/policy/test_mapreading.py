from __future__ import annotations

from importlib import resources

import pytest

from troth.errors import DeclarationFaults, UnreadableFile
from troth.policy import conditions, mapreading
from troth.policy.datamap import (
    AnyPath,
    ByIdentifier,
    ByKey,
    ByRow,
    Change,
    ChangeRow,
    ChangeTo,
    Copying,
    DataMap,
    DeleteRow,
    Files,
    InJson,
    InText,
    KeepRow,
    Keys,
    Normalising,
    Objects,
    Others,
    OwnRow,
    Place,
    RowEnd,
    StoreKind,
    Until,
    Use,
    Whose,
)
from troth.policy.periods import Duration
from troth.policy.vocabulary import Source

HEAD = """
troth: 1
stores:
  shop:
    connect: ${SHOP_DATABASE_URL}
    person:
      customer: {table: users, key: id, identifiers: {email: email, username: username}}
    tables:
      users: {whose: {person: customer}}
      orders: {whose: user_id}
"""


def _read(*tables: str, head: str = HEAD) -> DataMap:
    lines = "\n".join(f"      {line}" for table in tables for line in table.splitlines())
    return mapreading.parse((head + lines).encode())


def _whose(whose: str, head: str = HEAD) -> Whose | None:
    return _read(f"things: {{whose: {whose}}}", head=head).stores["shop"].tables["things"].whose


def _faults(text: str) -> list[str]:
    with pytest.raises(DeclarationFaults) as caught:
        mapreading.parse(text.encode())
    return str(caught.value).splitlines()


def _fault(*tables: str, head: str = HEAD) -> str:
    with pytest.raises(DeclarationFaults) as caught:
        _read(*tables, head=head)
    return str(caught.value)


# --- every form of a path ---------------------------------------------------------------------------------------------

CUSTOMER = "shop.customer"


@pytest.mark.parametrize(
    ("whose", "path"),
    [
        ("user_id", ByKey(("user_id",), CUSTOMER)),
        ("{by: user_id}", ByKey(("user_id",), CUSTOMER)),
        ("{by: user_id, person: customer}", ByKey(("user_id",), CUSTOMER)),
        ("{by: user_id, person: shop.customer}", ByKey(("user_id",), CUSTOMER)),
        ("order_id > orders", ByRow(("order_id",), "orders", None)),
        ("order_no > orders.number", ByRow(("order_no",), "orders", ("number",))),
        ("'tenant, order_no > orders'", ByRow(("tenant", "order_no"), "orders", None)),
        ("id > orders.thing_id", ByRow(("id",), "orders", ("thing_id",))),
        ('\'"order > id" > orders."a.b"\'', ByRow(("order > id",), "orders", ("a.b",))),
        (
            "{by: object_id, where: \"object_type = 'User'\"}",
            ByKey(("object_id",), CUSTOMER, conditions.parse("object_type = 'User'")),
        ),
        (
            "{by: object_id > orders, where: \"object_type = 'Order'\"}",
            ByRow(("object_id",), "orders", None, conditions.parse("object_type = 'Order'")),
        ),
        (
            "{match: guest_email, identifier: email}",
            ByIdentifier("guest_email", "email", CUSTOMER, (Normalising.CASE, Normalising.SPACES)),
        ),
        (
            "{match: name, identifier: username, normalise: [case, underscores]}",
            ByIdentifier("name", "username", CUSTOMER, (Normalising.CASE, Normalising.UNDERSCORES)),
        ),
        ("{json: payload.user.id}", InJson("payload", ("user", "id"), CUSTOMER, None)),
        (
            "{json: '\"a.b\".users[].mail', identifier: email}",
            InJson("a.b", ("users", "[]", "mail"), CUSTOMER, "email"),
        ),
        (
            "{text: session_data, pattern: 'user_id\";i:{key};'}",
            InText("session_data", 'user_id";i:', ";", CUSTOMER, None),
        ),
        (
            "{text: body, pattern: '<{email}>', identifier: email}",
            InText("body", "<", ">", CUSTOMER, "email"),
        ),
        (
            "{any: [user_id, {match: email, identifier: email}]}",
            AnyPath(
                (
                    ByKey(("user_id",), CUSTOMER),
                    ByIdentifier("email", "email", CUSTOMER, (Normalising.CASE, Normalising.SPACES)),
                )
            ),
        ),
        ("unidentified", None),
    ],
)
def test_every_path_form_is_read(whose: str, path: Whose | None) -> None:
    assert _whose(whose) == path


def test_a_key_of_two_columns_is_read() -> None:
    head = HEAD.replace("key: id", "key: [tenant_id, id]").replace("whose: user_id", "whose: [tenant_id, user_id]")

    assert _whose("[tenant_id, user_id]", head) == ByKey(("tenant_id", "user_id"), CUSTOMER)


def test_the_persons_own_row_is_read() -> None:
    assert _read().stores["shop"].tables["users"].whose == OwnRow(CUSTOMER)


def test_a_table_of_another_schema_keeps_its_dot() -> None:
    datamap = _read("crm.notes: {whose: user_id}", "things: {whose: note_id > crm.notes.id}")

    assert datamap.stores["shop"].tables["things"].whose == ByRow(("note_id",), "crm.notes", ("id",))


def test_roles_of_a_shared_row_are_read() -> None:
    table = (
        _read(
            """messages:
  whose:
    sender: {by: sender_id, on_erasure: {change: {sender_id: stand-in, body: redact}}}
    recipient: {by: recipient_id, on_erasure: {change: {recipient_id: null}}}
    about: {by: about_id, copy: no, on_erasure: delete}
  delete: never
  columns:
    body: {data: communication.message, others: redact}"""
        )
        .stores["shop"]
        .tables["messages"]
    )

    assert table.whose is None
    assert table.roles["sender"].path == ByKey(("sender_id",), CUSTOMER)
    assert table.roles["sender"].on_erasure == ChangeRow(
        {"sender_id": Change(ChangeTo.STAND_IN), "body": Change(ChangeTo.REDACT)}
    )
    assert table.roles["recipient"].on_erasure == ChangeRow({"recipient_id": Change(ChangeTo.NULL)})
    assert table.roles["about"].copy is Copying.NO
    assert table.delete is RowEnd.NEVER
    assert table.columns["body"].others is Others.REDACT


def test_roles_that_say_nothing_of_the_row_keep_it_until_the_last_goes() -> None:
    table = _read("m: {whose: {a: {by: a_id, on_erasure: delete}, b: {by: b_id, on_erasure: delete}}}")

    assert table.stores["shop"].tables["m"].delete is RowEnd.WITH_LAST


# --- what happens on erasure ------------------------------------------------------------------------------------------


def test_every_end_of_a_row_is_read() -> None:
    tables = (
        _read(
            "a: {whose: user_id, on_erasure: delete}",
            "b: {whose: user_id, on_erasure: {change: {user_id: null, name: pseudonym, note: '[gone]', n: 0}}}",
            "c: {whose: user_id, on_erasure: {keep: all, ground: tax-law, until: at + 10 years, change: {ip: null}}}",
            "d: {whose: user_id, on_erasure: {keep: [user_id, at], ground: tax-law, until: at + 6 months}}",
            "e: {whose: user_id, on_erasure: {change: {born: {generalise: year}, x: {text: redacted}, y: generalise}}}",
            "f: {whose: user_id}",
        )
        .stores["shop"]
        .tables
    )

    assert tables["a"].on_erasure == tables["f"].on_erasure == DeleteRow()
    b = tables["b"].on_erasure
    assert isinstance(b, ChangeRow)
    assert b.change["user_id"] == Change(ChangeTo.NULL)
    assert b.change["name"] == Change(ChangeTo.PSEUDONYM)
    assert b.change["note"] == Change(ChangeTo.CONSTANT, "[gone]")
    assert b.change["n"] == Change(ChangeTo.CONSTANT, 0)
    ten_years = Until("at", Duration(10, "year"))
    assert tables["c"].on_erasure == KeepRow(None, "tax-law", ten_years, {"ip": Change(ChangeTo.NULL)})
    assert tables["d"].on_erasure == KeepRow(("user_id", "at"), "tax-law", Until("at", Duration(6, "month")), {})
    e = tables["e"].on_erasure
    assert isinstance(e, ChangeRow)
    assert e.change["born"] == Change(ChangeTo.GENERALISE, detail="year")
    assert e.change["x"] == Change(ChangeTo.CONSTANT, "redacted")


# --- columns, tables, stores ------------------------------------------------------------------------------------------


def test_shred_alone_means_every_column_with_a_kind_of_data() -> None:
    columns = "{friend_id: {link: customer}, at: no, body: communication.message, ip: device.ip}"

    short = _read(f"a: {{whose: user_id, columns: {columns}, on_erasure: shred}}").stores["shop"].tables["a"]
    one = _read("b: {whose: user_id, on_erasure: {change: {body: shred}}}").stores["shop"].tables["b"]

    shred = Change(ChangeTo.SHRED)
    assert short.on_erasure == ChangeRow({"body": shred, "ip": shred})
    assert one.on_erasure == ChangeRow({"body": shred})


def test_every_word_about_a_column_is_read() -> None:
    columns = (
        _read(
            """profiles:
  whose: user_id
  columns:
    id: no
    name: profile.name
    avatar: {data: profile.avatar, source: received}
    password: {data: account.password, copy: no, why: a credential}
    referrer_id: {link: customer}
    mail: {copies: users.email, data: contact.email}
    blob: {scan: no, why: encrypted by the app}
    sku: {personal: no, why: a product}"""
        )
        .stores["shop"]
        .tables["profiles"]
        .columns
    )

    assert not columns["id"].personal
    assert columns["name"].category == "profile.name"
    assert columns["avatar"].source is Source.RECEIVED
    assert (columns["password"].copy, columns["password"].why) == (Copying.NO, "a credential")
    assert columns["referrer_id"].link == CUSTOMER
    assert columns["mail"].copies == Place("shop", "users", "email")
    assert (columns["blob"].scan, columns["blob"].personal) == (False, False)
    assert columns["sku"].why == "a product"


def test_every_word_about_a_table_is_read() -> None:
    tables = (
        _read(
            "products: {personal: no, why: things}",
            'drafts: {whose: user_id, everyone: "user_id is null", shared: by-reference}',
            "mails: {whose: user_id, uses: {purpose: marketing, at: sent_at}, starts: {message: sent_at, visit: seen}}",
            "events: {whose: user_id, uses: [{purpose: analytics, at: at}, {purpose: fraud, at: at}]}",
        )
        .stores["shop"]
        .tables
    )

    assert (tables["products"].personal, tables["products"].why) == (False, "things")
    assert tables["drafts"].everyone == conditions.parse("user_id is null")
    assert tables["drafts"].shared
    assert tables["mails"].uses == (Use("marketing", "sent_at"),)
    assert tables["mails"].starts == {"message": "sent_at", "visit": "seen"}
    assert tables["events"].uses == (Use("analytics", "at"), Use("fraud", "at"))


def test_stores_of_other_kinds_use_the_same_words() -> None:
    datamap = mapreading.parse(
        (
            HEAD
            + """
  cache:
    connect: redis://cache.example.com:6379/0
    tables:
      sessions: {keys: "session:*", whose: {json: user_id}}
  pictures:
    connect: s3://avatars
    on_erasure: {physical: yes}
    tables:
      avatars: {objects: "avatars/{key}/*", whose: key}
  lake:
    connect: file:///lake
    tables:
      events: {files: "events/*.parquet", whose: person_key}
  docs:
    connect: mongodb://docs.example.com/crm
    collections:
      notes: {whose: user_id}
  desk:
    opendsr: https://desk.example.com/opendsr
"""
        ).encode()
    )

    stores = datamap.stores
    assert {name: store.kind for name, store in stores.items()} == {
        "shop": StoreKind.UNKNOWN,
        "cache": StoreKind.VALKEY,
        "pictures": StoreKind.OBJECTS,
        "lake": StoreKind.FILES,
        "docs": StoreKind.MONGODB,
        "desk": StoreKind.PROCESSOR,
    }
    assert stores["cache"].tables["sessions"].location == Keys("session:*")
    assert stores["cache"].tables["sessions"].whose == InJson(None, ("user_id",), CUSTOMER, None)
    assert stores["pictures"].tables["avatars"].location == Objects("avatars/{key}/*")
    assert stores["pictures"].physical
    assert stores["lake"].tables["events"].location == Files("events/*.parquet")
    assert stores["docs"].tables["notes"].whose == ByKey(("user_id",), CUSTOMER)
    assert stores["desk"].processor == "https://desk.example.com/opendsr"


def test_an_identifier_may_stand_in_a_table_of_its_own() -> None:
    head = HEAD.replace("identifiers: {email: email", "identifiers: {email: mails.address")

    kind = _read("mails: {whose: user_id}", head=head).people()[CUSTOMER]

    assert (kind.identifiers["email"].table, kind.identifiers["email"].column) == ("mails", "address")


def test_questions_are_open_until_they_have_an_answer() -> None:
    questions = """
questions:
  - {store: shop, about: orders, ask: "Keep them?"}
  - {about: users, ask: "Who?", answer: customers}
"""
    datamap = mapreading.parse((questions + HEAD).encode())

    assert [question.about for question in datamap.open_questions("shop")] == ["orders"]
    assert datamap.open_questions("other") == ()


def test_the_hash_is_that_of_the_bytes() -> None:
    data = HEAD.encode()

    assert mapreading.parse(data).sha256 != mapreading.parse(data + b"# a comment\n").sha256
    assert mapreading.parse(data).sha256 == mapreading.parse(data).sha256


def test_the_connect_string_stays_out_of_repr() -> None:
    head = HEAD.replace("${SHOP_DATABASE_URL}", "postgresql://app:${PW}@db.internal.example.com/shop")

    assert "db.internal" not in repr(_read(head=head))


def test_the_map_of_the_example_is_read() -> None:
    data = resources.files("troth.example").joinpath("datamap.yaml").read_bytes()

    datamap = mapreading.parse(data)

    assert datamap.people()
    assert not datamap.questions


# --- what is wrong is told, with its place ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("t: {whose: user_id, colums: {}}", ('"colums" is no part of a table', 'Did you mean "columns"?')),
        ("t: {whose: {by: user_id, person: custmer}}", ('"custmer" is no kind of person', 'Did you mean "customer"?')),
        ("t: {whose: order_id > order}", ('"order" is no table of this store in the map', 'Did you mean "orders"?')),
        ("t: {whose: a > orders > users}", ("a path has one step",)),
        ("t: {whose: 'a >'}", ("this path cannot be read", "order_id > orders")),
        ("t: {whose: '\"a > orders'}", ("this path cannot be read", "closing quote")),
        ("t: {whose: 7}", ('"7" is no path to a person',)),
        ("t: {whose: {}}", ("the path is empty",)),
        ("t: {whose: {bye: x}}", ('"bye" is no part of a path', 'Did you mean "by"?')),
        ("t: {whose: {by: x, were: 'a = 1'}}", ('"were" is no part of a path by key', 'Did you mean "where"?')),
        ("t: {whose: {by: x, where: 'a = b'}}", ("t.whose.where: this cannot be read", "a value is missing")),
        ("t: {whose: {match: x}}", ("`identifier` is missing",)),
        ("t: {whose: {match: x, identifier: emial}}", ('"emial" is no identifier of shop.customer', '"email"')),
        ("t: {whose: {json: payload}}", ("the way ends at the column",)),
        ("t: {whose: {json: 'a..b'}}", ("this is no way into JSON",)),
        ("t: {whose: {text: s, pattern: 'id='}}", ("the pattern does not say where the value stands",)),
        ("t: {whose: {text: s, pattern: 'id={key}'}}", ("1 would be found in 12",)),
        ("t: {whose: {any: [user_id]}}", ("a list of two or more",)),
        ("t: {whose: {any: [a_id, b_id]}}", ("a_id and b_id each hold a person: two people in one row",)),
        ("t: {whose: [sender_id, recipient_id]}", ("several people in one row", "a role for each person")),
        ("t: {whose: {a: {by: a_id}, b: {by: b_id, on_erasure: delete}}}", ("does not say what happens when they go",)),
        ("t: {}", ("it is not said whose the rows are",)),
        ("t: {personal: no, whose: user_id}", ("a table that is not personal has no `whose`",)),
        ("t: {personal: no, columns: {a: contact.email}}", ("a is personal, and its table is not",)),
        ("t: {personal: maybe}", ('"maybe" is neither yes nor no',)),
        ("t: {whose: user_id, delete: with-any}", ("`delete` is for rows that several people share",)),
        ("t: {whose: user_id, shared: yes}", ("is no way to share", "by-reference")),
        ("t: {whose: user_id, columns: {a: contact.emial}}", ("no data category", 'Did you mean "contact.email"?')),
        ("t: {whose: user_id, columns: {a: {data: contact.email, link: customer}}}", ("not both",)),
        ("t: {whose: user_id, columns: {a: {}}}", ("it is not said what the column holds",)),
        ("t: {whose: user_id, columns: {a: {scan: no}}}", ("it is not said why",)),
        (
            "t: {whose: user_id, columns: {a: {data: contact.email, copy: perhaps}}}",
            ('"perhaps" is not a way to copy',),
        ),
        ("t: {whose: user_id, columns: {user_id: {link: customer}}}", ("it is no link to another person",)),
        ("t: {whose: user_id, columns: {a: {copies: nowhere.email}}}", ("no column of a table in this store",)),
        ("t: {whose: user_id, columns: {a: {copies: users.emial}}}", ("is not mapped, so its category is unknown",)),
        ("t: {whose: user_id, on_erasure: delte}", ('"delte" is no end of a row', 'Did you mean "delete"?')),
        ("t: {whose: user_id, on_erasure: shred}", ("not said which columns are sealed", "change: {column: shred}")),
        ("t: {whose: {a: {by: a_id, on_erasure: shred}, b: {by: b_id, on_erasure: delete}}}", ("columns are sealed",)),
        ("t: {whose: user_id, on_erasure: {ground: tax-law}}", ("`ground` without `keep`", "nothing is deleted")),
        ("t: {whose: user_id, on_erasure: {keep: all}}", ("`ground` is missing", "`until` is missing")),
        ("t: {whose: user_id, on_erasure: {keep: all, ground: x, until: ten years}}", ("no date to count to",)),
        ("t: {whose: user_id, on_erasure: {change: {a: redct}}}", ("is no change", 'Did you mean "redact"?')),
        (
            "t: {whose: user_id, on_erasure: {keep: [at], ground: x, until: at + 1 year}}",
            ("user_id is neither kept nor changed",),
        ),
        (
            "t: {whose: user_id, on_erasure: {keep: [user_id], ground: x, until: at + 1 year}}",
            ("at, from which the time is counted, is not kept",),
        ),
        (
            "t: {whose: user_id, on_erasure: {keep: [at, user_id], ground: x, until: at + 1 year, change: {at: null}}}",
            ("at is both kept and changed",),
        ),
        ("t: {whose: user_id, uses: {purpose: marketing}}", ("`at` is missing",)),
        ('t: {whose: user_id, everyone: "user_id"}', ("t.everyone: this cannot be read",)),
        ("a: {whose: x > b}\nb: {whose: y > a}", ("the path goes in a circle: a > b > a",)),
        (
            "a: {whose: {any: [user_id, x > b]}}\nb: {whose: {any: [user_id, y > a]}}",
            ("rows of these tables hang on each other: a > b > a", "hang on each other: b > a > b"),
        ),
        ("p: {personal: no}\na: {whose: x > p}", ("p is not personal, so nobody's row hangs on it",)),
        ("p: {whose: unidentified}\na: {whose: x > p}", ("no path leads on from p",)),
        ("t: {keys: 'a:*', files: '*.parquet', whose: user_id}", ("three kinds of things",)),
        ("t: just a text", ("stands where a mapping should",)),
    ],
)
def test_what_is_wrong_with_a_table_is_told(table: str, words: tuple[str, ...]) -> None:
    told = _fault(table)

    for word in words:
        assert word in told
    assert "datamap.yaml:1" in told, "the line of the table, after the head"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("troth: 1", "troth: 2", ('"2" is no version this troth reads', "troth: 1")),
        ("stores:", "store:", ('"store" is no part of a data map', "`stores` is missing")),
        ("    connect: ${SHOP_DATABASE_URL}\n", "", ("`connect` is missing",)),
        ("${SHOP_DATABASE_URL}", "oracle://db/shop", ('"oracle" is no kind of store that troth reads',)),
        ("key: id", "key: [id, id]", ("a name stands here twice",)),
        ("table: users", "table: user", ('"user" is no table of this store in the map', 'Did you mean "users"?')),
        (
            "users: {whose: {person: customer}}",
            "users: {whose: id}",
            ("does not say that its rows are a customer's own",),
        ),
        ("email: email,", "email: orders2.email,", ()),
        ("username: username", "username: null", ("nothing is not a name",)),
        ("connect:", "conect:", ('"conect" is no part of a store', 'Did you mean "connect"?')),
    ],
)
def test_what_is_wrong_with_a_store_is_told(before: str, after: str, words: tuple[str, ...]) -> None:
    head = HEAD.replace(before, after)
    if not words:
        assert _read(head=head)
        return

    told = _fault(head=head)

    for word in words:
        assert word in told


def test_a_path_must_say_whose_key_it_is_where_there_are_several_kinds() -> None:
    head = HEAD.replace("      customer: {", "      staff: {table: staff, key: id}\n      customer: {").replace(
        "whose: user_id", "whose: {by: user_id, person: customer}"
    )

    told = _fault("staff: {whose: {person: staff}}", "t: {whose: user_id}", head=head)

    assert "it is not said whose key this is" in told
    assert "staff, customer" in told


@pytest.mark.parametrize(
    "connect",
    ["postgresql://app:hunter2@db.example.com/shop", "mysql://db.example.com/shop?password=hunter2"],
)
def test_a_password_in_the_file_is_a_fault_that_does_not_repeat_it(connect: str) -> None:
    told = _fault(head=HEAD.replace("${SHOP_DATABASE_URL}", connect))

    assert "a password stands in the file" in told
    assert "hunter2" not in told


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    told = _faults(HEAD + "      t: {whose: user_idd > ordrs, colums: {}}\n      u: {personal: perhaps}\n")
    places = [line.split()[0] for line in told if line.startswith("datamap.yaml")]

    assert len(places) >= 3
    assert places == sorted(places, key=lambda place: tuple(map(int, place.split(":")[1:])))


def test_a_fault_has_line_column_path_expected_and_nearest() -> None:
    assert _faults(HEAD + "      t: {whose: user_id, columns: {a: contact.emial}}\n") == [
        'datamap.yaml:11:40  stores.shop.tables.t.columns.a: "contact.emial" is no data category.',
        "                    Expected a category such as contact.email.",
        '                    Did you mean "contact.email"?',
    ]


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"\xff\xfe", b"x" * (3 * 1024 * 1024)])
def test_what_is_no_text_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(UnreadableFile) as caught:
        mapreading.parse(data)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "a text", "null", "stores: []", "troth: 1\nstores: {a: 1}", "- - - -"])
def test_whatever_the_shape_it_is_faults_and_no_traceback(text: str) -> None:
    with pytest.raises(DeclarationFaults):
        mapreading.parse(text.encode())


def test_yaml_words_are_names_only_in_quotes() -> None:
    told = _fault("t: {whose: [null]}")
    assert "in quotes where YAML reads it as something else" in told

    assert _read("t: {whose: 'null'}").stores["shop"].tables["t"].whose == ByKey(("null",), CUSTOMER)
