"""What stands inside the columns: passwords, pictures, cards, letters of two people."""

from __future__ import annotations

import base64
import re
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from troth.collection.checks import cards, passwords
from troth.collection.checks.passwords import Strength
from troth.collection.checks.values import columns_with, contents, is_small, text_columns
from troth.foundation.proof import Applies, Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.foundation.records.access import LinkKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from troth.foundation.observation import Observation
    from troth.foundation.records.catalogue import Table as TableSeen
    from troth.policy.datamap import Place, TableMap
    from troth.policy.model import Policy, Sentence

_PASSWORD = "account.password"  # noqa: S105 - the name of a kind of data
_AVATAR = "profile.avatar"
_LETTERS = ("communication.message", "communication.feedback")
_OPAQUE = re.compile(r"(?=.{8,})[A-Za-z0-9_:.+/|\-]+={0,2}")
_DIGITS_ALONE = re.compile(r"\d{8,}")
_HASH_LENGTH = 128
_SHORTEST_CARD = 13
_MOST_HITS = 20_000
_SAMPLE = 1_000


def speaks_for(*categories: str) -> Applies:
    """Applies to the one sentence of section 1 that is the first to declare one of these kinds of data."""

    def applies(sentence: Sentence, policy: Policy) -> bool:
        first = next((policy.collected[each] for each in categories if each in policy.collected), None)
        return first == sentence.number

    return applies


@check(
    id="collection.weak-password",
    promise="passwords are collected",
    applies=speaks_for(_PASSWORD),
    reference="GDPR Art. 32(1)(a); OWASP Password Storage Cheat Sheet",
)
def weak_password(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Every stored password is a slow, salted hash of at least the least cost.

    What it proves: each value of each column that the data map calls a password has the form of argon2id (19 MiB and
    2 passes, or as much), scrypt (N = 2^17), bcrypt (10) or PBKDF2 (600,000 rounds of SHA-256), with that cost or
    more. Values are told apart by their form; up to 200,000 rows all are looked at, above that a sample.

    What it does not prove: that passwords are not written elsewhere, to logs for one; how good the passwords are.

    Repair: hash again when people next log in, and reset who does not come. Before: `5f4dcc3b5aa765d61d8327deb882cf99`.
    After: `$argon2id$v=19$m=19456,t=2,p=1$...`.
    """
    places = columns_with(seen, (_PASSWORD,))
    if not places:
        yield _none_there(sentence, _PASSWORD)
    for place in places:
        column = contents(seen, place, length=_HASH_LENGTH)
        rows = dict.fromkeys(Strength, 0)
        for value, count in column.values.items():
            rows[passwords.strength(value)] += count
        if rows[Strength.OPEN]:
            yield broken(
                str(place),
                f"{counted(rows[Strength.OPEN], 'row')}: the password is plain text or a fast hash",
                repair="hash them with argon2id, and have these people choose a new one",
            )
        if rows[Strength.CHEAP]:
            yield broken(
                str(place),
                f"{counted(rows[Strength.CHEAP], 'row')}: the password is hashed below the least cost",
                repair="hash with argon2id, 19 MiB and 2 passes, at the next log-in",
            )
        if rows[Strength.SLOW] and not rows[Strength.OPEN] and not rows[Strength.CHEAP]:
            yield kept(str(place), f"{column.looked_at}: every password is a slow hash of enough cost")
        elif not column.rows or rows[Strength.NONE] == column.rows:
            yield unproven(str(place), "no row holds a password yet", repair="look again when accounts exist")


@check(
    id="collection.orphaned-picture",
    promise="pictures of people are collected",
    applies=speaks_for(_AVATAR),
    reference="GDPR Art. 5(1)(c), (e)",
)
def orphaned_picture(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Every picture leads to somebody who still exists.

    What it proves: each row with a value in a column that the data map calls a picture leads, by the path of the map,
    to a person's row that is there. A row that leads to nobody is a picture left behind.

    What it does not prove: what a picture shows, or what was written into its file (where it was taken); objects in a
    bucket that no row names.

    Repair: delete what was left behind. Before: a profile whose account is gone. After: `on_erasure: delete` on the
    table, and `delete from profiles where user_id not in (select id from users)` once.
    """
    places = columns_with(seen, (_AVATAR,))
    if not places:
        yield _none_there(sentence, _AVATAR)
    for place in places:
        table = seen.need_map().stores[place.store].tables[place.table]
        found = _pictures(seen, table, place)
        if found is None:
            yield unproven(
                str(place),
                "whose its rows are cannot be followed here",
                repair="name a column that holds the person's key under `whose` in datamap.yaml",
            )
            continue
        rows, lost = found
        if lost:
            yield broken(
                str(place),
                f"{lost} of {counted(rows, 'picture')} lead to nobody",
                repair="delete the rows that were left behind",
            )
        elif rows:
            yield kept(str(place), f"{counted(rows, 'picture')}, each of somebody who is there")
        else:
            yield unproven(str(place), "no row holds a picture yet", repair="look again when there are some")


def _pictures(seen: Observation, table: TableMap, place: Place) -> tuple[int, int] | None:
    """How many rows have a value, and how many of these lead to nobody; None for paths that are not followed."""
    import sqlalchemy

    from troth.foundation.records.statements import where_clause
    from troth.use.log_reading import way_to_people

    paths = tuple(table.paths())
    way = way_to_people(seen, table, paths[0]) if len(paths) == 1 else None
    if way is None or not way.by_id:
        return None
    records, person = seen.need_records(), seen.need_map().people()[way.person]
    made = way.table
    conditions: list[ColumnElement[bool]] = [made.c[place.column or ""].is_not(None)]
    if table.everyone is not None:
        conditions.append(sqlalchemy.not_(where_clause(made, (table.everyone,))))
    home = records.table(place.store, person.table).alias("home")
    there = sqlalchemy.exists().where(home.c[person.key[0]] == way.who)
    count = sqlalchemy.func.count()
    rows = sqlalchemy.select(count).select_from(made).where(*conditions)
    led = sqlalchemy.select(count).select_from(way.source).where(*conditions, way.where, there)
    with_value, with_owner = (int(next(records.execute(place.store, each))[0]) for each in (rows, led))
    return with_value, with_value - with_owner


@check(
    id="collection.card-number",
    promise="purchases and means of payment are collected",
    applies=speaks_for("transaction.payment_method", "payment.token", "transaction.purchase"),
    reference="PCI DSS 4.0.1 requirements 3.3.1, 3.4; GDPR Art. 32",
    grade=Grade.SAMPLED,
)
def card_number(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """No store holds the number of a payment card or its security code; payment tokens are no numbers.

    What it proves: in no text column of any connected store, mapped or not, stands a number that has the length, the
    issuer and the check digit of a card, nor in a column of whole numbers. Tables up to 200,000 rows are searched
    whole, of larger ones a sample is.
    No column is named for the security code and filled. Tokens are opaque: no card number, no address, not short.

    What it does not prove: that files, logs and backups hold none; numbers that were encrypted or hashed, or are
    written digit by digit; a few cards among many numbers of such a kind that are none.

    Repair: have the payment processor take the card, and keep its token with the last four digits.
    Before: `4242 4242 4242 4242` in an order's note. After: `tok_9f...` and `4242`.
    """
    records = seen.need_records()
    from troth.policy.datamap import Place

    searched = 0
    bad, whole = False, True
    for store in records.stores:
        for table in records.catalogue(store).tables.values():
            if not table.holds_rows:
                continue
            names = [*text_columns(table), *_of_numbers(table)]
            searched += len(names)
            found, all_rows = _cards_in(seen, store, table, names)
            whole &= all_rows
            for name, count in found.items():
                bad = True
                yield broken(
                    str(Place(store, table.name, name)),
                    f"the number of a payment card stands in {counted(count, 'value')}",
                    repair="delete these numbers; keep the processor's token and the last four digits",
                )
            for name in filter(cards.CODE_NAMES.search, table.columns):
                if count := records.count(Place(store, table.name, name)):
                    bad = True
                    yield broken(
                        str(Place(store, table.name, name)),
                        f"the security code of a card stands in {counted(count, 'row')}",
                        repair="drop the column; nobody may keep this code after the payment",
                    )
    if (yield from _bad_tokens(seen)) or bad:
        return
    if searched:
        how = "all rows" if whole else "larger tables by sample"
        yield kept(", ".join(records.stores), f"{counted(searched, 'text column')} searched ({how}), no card number")
    else:
        yield unproven(sentence.id, "no store has a column of text to search", repair="connect the company's stores")


def _cards_in(seen: Observation, store: str, table: TableSeen, names: list[str]) -> tuple[dict[str, int], bool]:
    """In how many values of each column a card number stands, and whether the whole table was searched."""
    import sqlalchemy

    from troth.foundation.records.catalogue import ColumnKind

    records = seen.need_records()
    if not names:
        return {}, True
    if is_small(seen, table, store):
        made = records.table(store, table.name)
        texts = [sqlalchemy.cast(made.c[name], sqlalchemy.Text) for name in names]
        # short values are passed over before the costlier look
        in_file = records.link(store).kind is LinkKind.FILE
        hits = [
            sqlalchemy.and_(
                sqlalchemy.func.length(text) >= _SHORTEST_CARD,
                text.op("GLOB")(cards.PATTERN) if in_file else text.regexp_match(cards.EXPRESSION),
            )
            if table.columns[name].kind is not ColumnKind.NUMBER
            else made.c[name] >= cards.SMALLEST
            for name, text in zip(names, texts, strict=True)
        ]
        columns: list[Any] = [*texts]
        statement: Select[Any] = sqlalchemy.select(*columns).where(sqlalchemy.or_(*hits)).limit(_MOST_HITS)
        rows = list(records.execute(store, statement))
        values = {name: [str(row[at]) for row in rows if row[at] is not None] for at, name in enumerate(names)}
        whole = len(rows) < _MOST_HITS
    else:
        values, whole = records.samples(store, table.name, names, _SAMPLE), False
    found = {name: cards.card_numbers(texts_of) for name, texts_of in values.items()}
    return {name: count for name, count in found.items() if count}, whole


def _of_numbers(table: TableSeen) -> Iterator[str]:
    """The columns of whole numbers that are no keys: keys of sixteen digits are made by counters."""
    from troth.foundation.records.catalogue import ColumnKind

    keys = {*table.primary_key, *(name for key in table.foreign_keys for name in key.columns)}
    for name, column in table.columns.items():
        if column.kind is ColumnKind.NUMBER and name not in keys:
            yield name


def _bad_tokens(seen: Observation) -> Generator[Saw, None, bool]:
    bad = False
    for place in columns_with(seen, ("payment.token",)):
        column = contents(seen, place)
        open_ones = sum(rows for value, rows in column.values.items() if not _is_opaque(value))
        digits = sum(rows for value, rows in column.values.items() if _DIGITS_ALONE.fullmatch(value))
        if open_ones:
            bad = True
            yield broken(
                str(place),
                f"{open_ones} of {column.looked_at} are no opaque tokens: too short, an address, or a card in disguise",
                repair="store the token that the payment processor gives, and nothing it stands for",
            )
        if digits:
            bad = True
            yield unproven(
                str(place),
                f"{digits} of {column.looked_at} are digits alone, as some tokens and all numbers of accounts are",
                repair="use tokens that are told from numbers, or map the column as what it holds",
            )
    return bad


def _is_opaque(value: str) -> bool:
    """Whether it looks like nothing but itself: long enough, no address, and no card number in base64."""
    if not _OPAQUE.fullmatch(value):
        return False
    try:
        inside = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("ascii")
    except ValueError:
        return True
    return not cards.card_numbers([inside])


@check(
    id="collection.no-rule-for-other",
    promise="what people write to each other is collected",
    applies=speaks_for(*_LETTERS),
    reference="GDPR Art. 15(4), 17(3)",
)
def no_rule_for_other(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Where one row of communication is two people's, the data map has a rule for each of them.

    What it proves: in each table with communication, every column that the store itself leads to a person (a foreign
    key) stands in the map, as the person whose row it is, as a role with its own end, or as a link. Words that two
    people share say what a copy does with the other's.

    What it does not prove: that people are not named inside the words.

    Repair: name both. Before: `messages: {whose: sender_id}` where `recipient_id` leads to `users` too.
    After: `whose: {sender: {by: sender_id, ...}, recipient: {by: recipient_id, ...}}`.
    """
    datamap = seen.need_map()
    from troth.policy.datamap import Place

    tables = shared = 0
    fine = True
    for table in datamap.tables():
        letters = [column for column in table.columns.values() if (column.category or "").startswith("communication.")]
        place = table.place
        if not letters or not seen.need_records().catalogue(place.store).has(place):
            continue
        tables += 1
        shared += len(table.roles) > 1
        for name in sorted(_leading_to_people(seen, table) - _named(table)):
            fine = False
            yield broken(
                str(Place(place.store, place.table, name)),
                "leads to a person for whom the data map has no rule",
                repair="make it a role under `whose`, with what happens to the row when that person goes",
            )
        if len(table.roles) > 1 and not any(column.others for column in letters):
            fine = False
            yield unproven(
                str(place),
                "what a copy does with the other person's words is not said",
                repair="add `others: redact` to the column of words in datamap.yaml",
            )
    if not tables:
        yield _none_there(sentence, "communication")
    elif fine:
        yield kept(
            "datamap.yaml",
            f"{counted(tables, 'table')} of communication, {shared} shared by two people, a rule for each",
        )


def _leading_to_people(seen: Observation, table: TableMap) -> set[str]:
    """The columns that a foreign key of the store leads to a person's own row."""
    homes = {kind.table for kind in seen.need_map().stores[table.store].people.values()}
    keys = seen.need_records().catalogue(table.store).table(table.name).foreign_keys
    return {key.columns[0] for key in keys if key.table in homes and len(key.columns) == 1}


def _named(table: TableMap) -> set[str]:
    from troth.policy.datamap import ByKey, ByRow

    links = {name for name, column in table.columns.items() if column.link is not None}
    return links | {name for path in table.paths() if isinstance(path, (ByKey, ByRow)) for name in path.columns}


def _none_there(sentence: Sentence, category: str) -> Saw:
    return unproven(
        sentence.id, f"no column of any store is mapped as {category}", repair="map the column in datamap.yaml"
    )


CHECKS: tuple[Check, ...] = (weak_password, orphaned_picture, card_number, no_rule_for_other)
