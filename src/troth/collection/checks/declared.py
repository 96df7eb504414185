"""Real but not declared, and declared but not real: every personal column against the sentences of section 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import CATEGORIES, Source, expand

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.datamap import ColumnMap, Place, TableMap
    from troth.policy.model import Policy, Sentence

_OBSERVED_FAMILIES = frozenset({"device", "usage", "location"})
_LIKELY = 0.7
"""From this confidence on, somebody has to say what a column holds that the map does not name."""

_SURE = 0.8
"""From this confidence on, discovery's word about a column that the map does not name counts."""


def source_of(category: str, column: ColumnMap | None = None) -> Source:
    """Where a datum comes from: as its column says, else as its kind mostly does."""
    if column is not None and column.source is not None:
        return column.source
    return Source.OBSERVED if CATEGORIES[category].family in _OBSERVED_FAMILIES else Source.PROVIDED


def speaker_for(source: Source, policy: Policy) -> str | None:
    """The number of the sentence that answers for undeclared data of that source: the one that names the source, else
    the first of section 1.
    """
    section = [sentence for sentence in policy.sentences if sentence.id.startswith("collection")]
    named = next((s.number for s in section if s.meaning.source is source), None)
    return named or (section[0].number if section else None)


def _speaks(sentence: Sentence, policy: Policy) -> bool:
    # derived and received data without a sentence of their own are told at section 1 as a whole
    return any(speaker_for(source, policy) == sentence.number for source in (Source.PROVIDED, Source.OBSERVED))


@check(
    id="collection.source-unnamed",
    promise="section 1 as a whole: what is collected, and by which ways",
    applies=lambda sentence, _: sentence.id == "collection",
    reference="GDPR Art. 5(1)(a), 14(1)(d)",
)
def source_unnamed(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Every mapped personal column has a category, and comes by a way that section 1 names.

    What it proves: each column that the data map calls personal carries a category of the vocabulary; none is marked as
    received from others or derived unless a sentence of section 1 declares that source.

    What it does not prove: that the map names every column (1.1 and 1.2 look for those that it does not).

    Repair: give the column its true source, or add the sentence. Before: `score: {data: usage.interaction, source:
    received}` under a policy that names no such source. After: a clause with `source: received` in section 1.
    """
    named = {s.meaning.source for s in seen.policy.sentences if s.id.startswith("collection") and s.meaning.source}
    count = 0
    for place, column in seen.need_map().columns():
        if column.category is None:
            continue
        count += 1
        if column.source in (Source.RECEIVED, Source.DERIVED) and column.source not in named:
            yield broken(
                str(place),
                f"{column.category} is {column.source.value}, and no sentence of section 1 says so",
                repair=f"declare the source {column.source.value} in section 1, or correct the map",
            )
    if count:
        yield kept(sentence.id, f"{counted(count, 'personal column')} with category and source")


@check(
    id="collection.undeclared-column",
    promise="the sentence that says what people provide, or what is observed",
    applies=_speaks,
    reference="GDPR Art. 5(1)(a), 13, 14",
    may_be_silent=True,  # section 1 as a whole answers for the ways that it does not name, and mostly there are none
)
def undeclared_column(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """No store holds a kind of personal data that section 1 does not name.

    What it proves: every column that the data map calls personal has a category that some sentence of section 1
    declares; every column that the map does not name, or calls not personal without saying why, was looked at by name
    and by sampled values, and none looks personal. Where that is likely and not sure, it is unproven.

    What it does not prove: that the kind of data that the map gives a column is the right one; that free text holds
    nothing else, nor what is in stores that the map does not name, or in what it says `why:` it is not personal.

    Repair: declare the category, or stop storing it. Before: `users.birthday in shop` and no word of it in section 1.
    After: `data: [..., identity.birth_date]` at the sentence that says so, or the column gone.
    """
    mine = {source for source in Source if speaker_for(source, seen.policy) == sentence.number}
    declared = seen.policy.collected
    records, count, whole = seen.need_records(), 0, True
    for place, column in seen.need_map().columns():
        if column.category is None or source_of(column.category, column) not in mine:
            continue
        if not records.catalogue(place.store).has(place):
            continue  # gone: the sentence that declares it says so
        if column.category in declared:
            count += 1
        else:
            whole = False
            yield _undeclared(place, column.category, sentence)
    silent = _silent(seen)
    for store in records.stores:
        for place, category, sure in _unmapped(seen, store):
            if source_of(category) not in mine:
                continue
            whole = False
            if place in silent:
                say = broken if sure else unproven
                yield say(
                    str(place),
                    f"the data map says that it is not personal, and not why; it looks like {category}",
                    repair="map it as what it holds, or say under `why` what it is",
                )
            elif not sure:
                yield unproven(
                    str(place),
                    f"the data map does not name it, and it may be {category}",
                    repair="run `troth map --check`, then add it to datamap.yaml",
                )
            elif category not in declared:
                yield _undeclared(place, category, sentence)
            else:
                yield broken(
                    str(place),
                    f"the data map does not name it, and it looks like {category}",
                    repair="run `troth map --check`, then add it to datamap.yaml",
                )
    if count and whole:
        yield kept(", ".join(records.stores), f"{counted(count, 'column')}, each of a kind that section 1 names")
    elif whole and sentence.meaning.source in mine:
        yield unproven(sentence.id, "no store holds data of this source", repair="map the stores with `troth map URL`")


def _undeclared(place: Place, category: str, sentence: Sentence) -> Saw:
    return broken(
        str(place),
        f"holds {CATEGORIES[category].label.lower()} ({category}), which section 1 does not name",
        repair=f"declare {category} under {sentence.number} ({sentence.clause_id}) in policy.yaml, or stop storing it",
    )


def _silent(seen: Observation) -> frozenset[Place]:
    """The columns that the map calls not personal without a reason."""
    tables = {(table.store, table.name): table for table in seen.need_map().tables()}
    return frozenset(
        place
        for place, column in seen.need_map().columns()
        if not column.personal
        and column.why is None
        and column.scan
        and place.column not in _keys_of(tables[place.store, place.table])
    )


def _keys_of(table: TableMap) -> set[str]:
    """The columns by which the rows of a table lead to people or to other rows."""
    from troth.policy.datamap import ByKey, ByRow

    return {name for path in table.paths() if isinstance(path, (ByKey, ByRow)) for name in path.columns}


def _unmapped(seen: Observation, store: str) -> list[tuple[Place, str, bool]]:
    """Columns of `store` of which the map says nothing, or not why they are not personal, and that discovery takes for
    personal; each with the category, and whether that is sure.
    """

    def look() -> list[tuple[Place, str, bool]]:
        mapped = {place for place, _ in seen.need_map().columns()} - _silent(seen)
        tables = seen.need_map().stores[store].tables
        silent = {name for name, table in tables.items() if not table.personal and table.why is not None}
        from troth.collection import discovery

        found = discovery.discover(seen.need_records(), store, known=mapped)
        return [
            (finding.place, finding.category, finding.confidence >= _SURE)
            for finding in found
            if finding.place.table not in silent
            and finding.category is not None
            and finding.verdict is discovery.Nature.PERSONAL
            and finding.confidence >= _LIKELY
        ]

    return seen.once(("unmapped", store), look)


@check(
    id="collection.stored-nowhere",
    promise="a sentence of section 1 that names kinds of data",
    applies=lambda sentence, _: sentence.id.startswith("collection") and bool(sentence.meaning.data),
    reference="GDPR Art. 5(1)(a)",
)
def stored_nowhere(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Each kind of data that the sentence names has its column in a live store.

    What it proves: for each declared category some mapped column exists in its store now; a mapped column that is gone
    is found.

    What it does not prove: that the column holds only that kind of data.

    Repair: map the column, or take the kind out of the sentence. Before: `text: ... and postal address` and no such
    column. After: the words gone, or `address: contact.address` in datamap.yaml.
    """
    records = seen.need_records()
    columns = 0
    for category in expand(sentence.meaning.data):
        places = [place for place, column in seen.need_map().columns() if column.category == category]
        for place in places:
            if not records.catalogue(place.store).has(place):
                yield broken(
                    str(place),
                    f"the data map says it holds {category}, and it is gone",
                    repair="run `troth map --check`, then correct datamap.yaml",
                )
            else:
                columns += 1
        # a family (`usage.*`) is declared as a whole; one of its members in use is enough
        if not places and category in sentence.meaning.data:
            yield broken(
                category,
                "declared, and no store has a column for it",
                repair=f"take it out of {sentence.clause_id} in policy.yaml, or map the column that holds it",
            )
    if columns:
        yield kept(", ".join(records.stores), f"what it names stands in {counted(columns, 'column')}")


CHECKS: tuple[Check, ...] = (source_unnamed, undeclared_column, stored_nowhere)
