"""The ORM and sealed columns: an object holds plain values, and tells whose they are only while it is written.

While a row is written, its sealed values stand as `Of(person, value)` in the object; afterwards, and when the flush
fails, they are plain again. A row that goes to another person has its sealed values sealed anew, for that person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.orm import InstanceState, Mapper, Session, object_session
from sqlalchemy.orm.attributes import flag_modified, instance_state

from troth.errors import TrothError
from troth.protection.sealed_fields.columns import Of, Sealed

_OPEN = "troth_sealed_fields"


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    person: str
    place: str


@event.listens_for(Mapper, "mapper_configured")
def _watch(mapper: Mapper[Any], _: type[Any]) -> None:
    fields = []
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if isinstance(column.type, Sealed):
            owner = None if column.table is None else column.table.c.get(column.type.person)
            if owner is None or not mapper.has_property(key := mapper.get_property_by_column(owner).key):
                raise TrothError(f"a sealed column needs `{column.type.person}` beside it", where=column.type.place)
            fields.append(_Field(attribute.key, key, column.type.place))
    if not fields:
        return

    def inserting(_: Mapper[Any], __: Connection, target: Any) -> None:
        _tell(instance_state(target), fields, new=True)

    def updating(_: Mapper[Any], __: Connection, target: Any) -> None:
        _tell(instance_state(target), fields, new=False)

    def written(_: Mapper[Any], __: Connection, target: Any) -> None:
        _forget(instance_state(target).dict, fields)

    event.listen(mapper, "before_insert", inserting)
    event.listen(mapper, "before_update", updating)
    event.listen(mapper, "after_insert", written)
    event.listen(mapper, "after_update", written)


@event.listens_for(Session, "after_soft_rollback")
def _undone(session: Session, _: Any) -> None:
    for values, fields in session.info.pop(_OPEN, ()):
        _forget(values, fields)


@event.listens_for(Session, "after_flush_postexec")
def _flushed(session: Session, _: Any) -> None:
    session.info.pop(_OPEN, None)


def _tell(state: InstanceState[Any], fields: list[_Field], *, new: bool) -> None:
    session = object_session(state.obj())
    if session is not None:
        session.info.setdefault(_OPEN, []).append((state.dict, fields))
    for each in fields:
        moved = not new and each.person in state.committed_state
        if moved and each.name not in state.committed_state:
            getattr(state.obj(), each.name)  # what was not loaded yet is opened as the person's before
            flag_modified(state.obj(), each.name)
        if not new and each.name not in state.committed_state:
            continue
        value = state.dict.get(each.name)
        if value is None or isinstance(value, Of):
            continue
        person = state.dict.get(each.person)
        if person is None:
            raise TrothError(
                f"`{each.person}` has to be known before a sealed value is written",
                where=each.place,
                repair="Set it, or write the row first and the sealed value in a second flush.",
            )
        state.dict[each.name] = Of(person, value)


def _forget(values: dict[str, Any], fields: list[_Field]) -> None:
    for each in fields:
        value = values.get(each.name)
        if isinstance(value, Of):
            values[each.name] = value.value
