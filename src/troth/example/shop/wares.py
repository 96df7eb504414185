"""What the shop sells: the made-up teas and teaware of `stock.yaml`, and the shelf they stand on."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import yaml
from sqlalchemy import Connection, func, insert, select, text

from troth.example.shop.tables import products

KINDS: Final = {
    "green": "Green tea",
    "black": "Black tea",
    "oolong": "Oolong",
    "white": "White tea",
    "herbal": "Without caffeine",
    "teaware": "Teaware",
}


@dataclass(frozen=True, slots=True)
class Ware:
    """One thing for sale. `drawing` names a file of `drawings/`, `colours` that of the thing and of the ground."""

    slug: str
    title: str
    kind: str
    origin: str
    amount: str
    price_cents: int
    summary: str
    description: str
    drawing: str
    colours: tuple[str, str]


def _read() -> tuple[Ware, ...]:
    entries: list[dict[str, Any]] = yaml.safe_load(files("troth.example.shop").joinpath("stock.yaml").read_bytes())
    return tuple(Ware(**{**entry, "colours": tuple(entry["colours"])}) for entry in entries)


WARES: Final = _read()


def stock(tx: Connection) -> None:
    """Put the wares on an empty shelf, numbered from 1; a shelf that has any is left as it is."""
    if tx.scalar(select(func.count()).select_from(products)):
        return
    columns = ("slug", "title", "kind", "origin", "summary", "description", "amount", "price_cents")
    rows = [
        {"id": place, "stock": 40 + (place * 37) % 120} | {column: getattr(ware, column) for column in columns}
        for place, ware in enumerate(WARES, start=1)
    ]
    tx.execute(insert(products), rows)
    number_on(tx, "products", len(rows))


def number_on(tx: Connection, table: str, last: int) -> None:
    """Let the next number the database gives in `table` come after `last`, which we gave; PostgreSQL needs telling."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)"), {"name": table, "last": last})
