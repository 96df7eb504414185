"""The database of Green Leaf Tea for the tutorial: made-up customers, what they ordered, where they looked.

    python shop.py make     write shop.sqlite3: 40 customers, 80 orders, 600 visits of the last five months
    python shop.py tidy     delete the visits of more than three months ago, as the policy promises
    python shop.py grow     start to ask for a telephone number, which the policy does not name

Works in the folder it is called in. Every address lies under a domain that is reserved for examples.
"""

from __future__ import annotations

import random
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

FIRST = ("Ada", "Ben", "Cleo", "Dov", "Elin", "Faro", "Gita", "Hal")
LAST = ("Teapot", "Saucer", "Kettle", "Samovar", "Strainer")
TEAS = ("Sencha", "Oolong", "Darjeeling", "Mint")
PAGES = ("/", "/teas", "/teas/sencha", "/basket")
TABLES = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, closed_at TEXT
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), tea TEXT NOT NULL,
    delivery_address TEXT NOT NULL, ordered_at TEXT NOT NULL
);
CREATE INDEX orders_of_customer ON orders (customer_id);
CREATE TABLE visits (
    id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), ip TEXT NOT NULL, page TEXT NOT NULL,
    visited_at TEXT NOT NULL
);
CREATE INDEX visits_of_customer ON visits (customer_id);
"""


def make(shop: sqlite3.Connection) -> str:
    """Fill an empty database."""
    from argon2 import PasswordHasher

    chance = random.Random(40)
    password_hash = PasswordHasher().hash("made up, and the same for everybody")
    shop.executescript(TABLES)
    for number, (first, last) in enumerate(((first, last) for first in FIRST for last in LAST), start=1):
        email = f"{first}.{last}@example.net".lower()
        shop.execute(
            "INSERT INTO customers VALUES (?, ?, ?, ?, NULL)", (number, f"{first} {last}", email, password_hash)
        )
        for _ in range(2):
            address = f"{chance.randrange(1, 99)} {chance.choice(LAST)} Street, Brewtown"
            shop.execute(
                "INSERT INTO orders (customer_id, tea, delivery_address, ordered_at) VALUES (?, ?, ?, ?)",
                (number, chance.choice(TEAS), address, ago(chance.uniform(1, 390))),
            )
    for _ in range(600):
        who = chance.choice((None, *range(1, 41)))
        ip = f"198.51.100.{chance.randrange(1, 255)}"
        shop.execute(
            "INSERT INTO visits (customer_id, ip, page, visited_at) VALUES (?, ?, ?, ?)",
            (who, ip, chance.choice(PAGES), ago(chance.uniform(0, 150))),
        )
    return "made shop.sqlite3: 40 customers, 80 orders, 600 visits"


def tidy(shop: sqlite3.Connection) -> str:
    """Delete what is older than the policy says."""
    gone = shop.execute("DELETE FROM visits WHERE visited_at < ?", (ago(89),)).rowcount
    return f"deleted {gone} visits"


def grow(shop: sqlite3.Connection) -> str:
    """Add a column of personal data that nobody declared."""
    shop.execute("ALTER TABLE customers ADD COLUMN phone TEXT")
    shop.execute("UPDATE customers SET phone = '+1 202 555 01' || (10 + id)")
    return "customers have a telephone number now"


def ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")


DEEDS: dict[str, Callable[[sqlite3.Connection], str]] = {"make": make, "tidy": tidy, "grow": grow}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in DEEDS:
        sys.exit(__doc__)
    with closing(sqlite3.connect("shop.sqlite3")) as connection, connection:
        print(DEEDS[sys.argv[1]](connection))
