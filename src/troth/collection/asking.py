"""What only people can know about a store: the questions of a draft, each kind once, with all its places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from troth.collection.discovery import Nature
from troth.collection.likely_keys import LikelyKey
from troth.collection.mapwriting import DraftQuestion
from troth.collection.ownership import Kind, Known, matched_by
from troth.collection.words import Subject


def questions_of(known: Known, kinds: Mapping[str, Kind]) -> Iterator[DraftQuestion]:
    """What must be answered before anything runs on the store."""
    store = known.store

    def ask(about: Sequence[str], text: str) -> DraftQuestion:
        return DraftQuestion(store, ", ".join(about), text)

    if not kinds:
        yield ask(
            [store], "No table has people as its rows. Which table does, and by which key? Name it under `person:`."
        )
    if len(kinds) > 1:
        names = [kind.name for kind in kinds.values()]
        tables = [kind.table for kind in kinds.values()]
        yield ask(
            tables,
            f"Does your policy speak of all of them: {', '.join(names)}? Who has a notice of their own is taken out.",
        )
    unkeyed = [kind.table for kind in kinds.values() if not known.views[kind.table].table.primary_key]
    if unkeyed:
        yield ask(unkeyed, "These tables have no primary key. Does the `key` that the draft took tell people apart?")
    bought = [view.table.name for view in known.views.values() if view.about and view.subject is Subject.TRANSACTION]
    if bought:
        yield ask(
            bought,
            "Must you keep these when a person goes (tax, accounting), which columns, how long? "
            "Then write keep, ground and until under on_erasure; as it stands the rows are deleted.",
        )
    shared = [view.table.name for view in known.views.values() if len(view.owners) > 1 and not view.person]
    if shared:
        yield ask(shared, "Several people share these rows. Is what happens to a row right when one of them goes?")
    guessed = [key for key in known.keys if key.believed and _is_used(known, key)]
    if guessed:
        yield ask(
            [f"{key.place.table}.{key.place.column}" for key in guessed],
            "No foreign key says so, but by name and values these point at "
            f"{', '.join(dict.fromkeys(key.target.table for key in guessed))}. Do they?",
        )
    pathless = [
        view.table.name
        for view in known.views.values()
        if not view.person
        and not view.about
        and known.personal(view.table.name)
        and matched_by(known, view, kinds) is None
    ]
    if pathless:
        yield ask(
            pathless, "These hold data about people, and nothing leads from a row to one of them. Whose are the rows?"
        )
    unsure = [
        f"{finding.place.table}.{finding.place.column}"
        for findings in known.findings.values()
        for finding in findings
        if finding.verdict is Nature.UNSURE and known.views[finding.place.table].subject is not Subject.WORK
    ]
    if unsure:
        yield ask(unsure, "Names and values do not settle these. Are they about people? Map those that are.")


def _is_used(known: Known, key: LikelyKey) -> bool:
    view = known.views[key.place.table]
    return any(key.place.column in link.columns for link in (*view.links, *(view.parents if not view.owners else ())))
