"""What happened in the shop before today, made up: who came, what they bought, wrote, read and allowed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from troth.example.shop.fraud import WINDOW, judge
from troth.example.shop.post import MARKETING as MARKETING_LETTER
from troth.example.shop.post import TRANSACTIONAL as TRANSACTIONAL_LETTER
from troth.example.shop.promises import ANALYTICS, MARKETING, person
from troth.example.shop.wares import WARES
from troth.example.shop.words import AVATARS, vocabulary

# INVARIANT: each is shorter than the period of the policy (3.2), so a shop left running for some days stays inside.
OPENED_DAYS: Final = 1100
COMMUNICATION_DAYS: Final = 690
USAGE_DAYS: Final = 360
ACCESS_DAYS: Final = 75
CLOSED_DAYS: Final = 20
SESSION_DAYS: Final = 12

_DAY_S: Final = 86_400
_PRICES: Final = tuple(ware.price_cents for ware in WARES)


class Past:
    """Rows by table, in the order they were made up; `given` and `withdrawn` are (person, purpose, instant)."""

    def __init__(self, chance: Random, now: datetime, people: int, hashes: tuple[str, ...]) -> None:
        self.chance = chance
        self.now = now.replace(microsecond=0)
        self.people = people
        self.hashes = hashes
        self.words = vocabulary()
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.given: list[tuple[str, str, datetime]] = []
        self.withdrawn: list[tuple[str, str, datetime]] = []
        self._spans: dict[int, tuple[datetime, datetime]] = {}
        self._choices: dict[tuple[int, str], tuple[datetime, datetime]] = {}
        self._homes: dict[int, tuple[str, str]] = {}
        self._placed: dict[int, list[datetime]] = defaultdict(list)
        self._reviewed: set[tuple[int, int]] = set()

    def happen(self) -> None:
        """Make everything up, in an order that chance and nothing else decides."""
        self._join()
        self._choose()
        self._buy()
        self._write()
        self._mail_newsletters()
        self._browse()
        self._log_in()

    # -- people -----------------------------------------------------------------------------------------------------

    def _join(self) -> None:
        """Accounts, oldest first, so that a lower number is an older account."""
        ages = sorted(
            (int(OPENED_DAYS * _DAY_S * self.chance.random() ** 1.4) + 7200 for _ in range(self.people)), reverse=True
        )
        phones = _phones()
        for number, age_s in enumerate(ages, start=1):
            created = self.now - timedelta(seconds=age_s)
            name, local = self._name(number)
            closed = None
            if self.chance.random() < 0.015 and age_s > 2 * CLOSED_DAYS * _DAY_S:
                closed = self.now - timedelta(seconds=self.chance.randrange(3600, CLOSED_DAYS * _DAY_S))
            phone = next(phones) if self.chance.random() < 0.9 else None
            username = f"{self.chance.choice(self.words.adjectives)}_{self.chance.choice(self.words.nouns)}_{number}"
            self.rows["users"].append(
                {
                    "id": number,
                    "username": username,
                    "email": f"{local}@{self.chance.choice(self.words.domains)}",
                    "phone": phone,
                    "password_hash": self.hashes[number % len(self.hashes)],
                    "created_at": created,
                    "closed_at": closed,
                }
            )
            self.rows["profiles"].append(
                {
                    "user_id": number,
                    "name": name,
                    "avatar": self.chance.choice(AVATARS),
                    "bio": self.chance.choice(self.words.bios),
                    "closed_at": closed,
                }
            )
            self._spans[number] = (created, closed or self.now)
            self._homes[number] = self._address()

    def _name(self, number: int) -> tuple[str, str]:
        """A name, and the part of an address before the @ that belongs to it; the number keeps it unlike any other."""
        if self.chance.random() < 0.03:
            return self.chance.choice(self.words.whole_names), f"customer.{number}"
        first, last = self.chance.choice(self.words.first), self.chance.choice(self.words.last)
        plain = "".join(
            letter for letter in f"{first}.{last}".lower().replace(" ", "-") if letter.isascii() and letter != "'"
        )
        return f"{first} {last}", f"{plain}.{number}"

    def _address(self) -> tuple[str, str]:
        town, code, country, region = self.chance.choice(self.words.towns)
        code = code.format(self.chance.randrange(10), self.chance.randrange(10))
        street = self.chance.choice(self.words.streets)
        return f"{self.chance.randrange(1, 140)} {street}\n{code} {town}\n{country}", region

    # -- choices ----------------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        """About 40 of 100 agreed to the newsletter and 55 to being counted; some of them took it back."""
        for number, (start, end) in self._spans.items():
            for purpose, share, regret in ((MARKETING, 0.40, 0.15), (ANALYTICS, 0.55, 0.08)):
                if self.chance.random() >= share:
                    continue
                given = start if self.chance.random() < 0.7 else self._between(start, end)
                until = self.now + timedelta(seconds=1)
                if end < self.now:
                    until = end
                elif self.chance.random() < regret:
                    until = self._between(given, end)
                self.given.append((person(number), purpose, given))
                if until <= self.now:
                    self.withdrawn.append((person(number), purpose, max(until, given + timedelta(seconds=1))))
                self._choices[number, purpose] = (given, until)

    def _stands(self, number: int, purpose: str, at: datetime) -> bool:
        given, until = self._choices.get((number, purpose), (self.now, self.now))
        return given < at < until

    # -- orders -----------------------------------------------------------------------------------------------------

    def _buy(self) -> None:
        wanted = []
        for number, (start, end) in self._spans.items():
            count = self.chance.choice((0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 7))
            wanted += [(self._between(start, end), number) for _ in range(count)]
        for order, (placed, number) in enumerate(sorted(wanted), start=1):
            self._order(order, number, placed)

    def _order(self, order: int, number: int, placed: datetime) -> None:
        total = 0
        for _ in range(self.chance.choice((1, 1, 2, 2, 3))):
            product, quantity = self.chance.randrange(len(WARES)) + 1, self.chance.choice((1, 1, 1, 2, 3))
            total += _PRICES[product - 1] * quantity
            self._add(
                "order_items",
                order_id=order,
                product_id=product,
                quantity=quantity,
                price_cents=_PRICES[product - 1],
                placed_at=placed,
            )
        age = self.now - placed
        status = "paid" if age < timedelta(days=2) else "sent" if age < timedelta(days=6) else "delivered"
        if status == "delivered" and self.chance.random() < 0.03:
            status = "returned"
        self._add(
            "orders",
            user_id=number,
            placed_at=placed,
            status=status,
            total_cents=total,
            billing_name=self.rows["profiles"][number - 1]["name"],
            billing_address=self._homes[number][0],
            payment_token=f"tok_{self._key()}",
            payment_last4=self.chance.choice(("4242", "1881", "0005", "3184")),
        )
        if age < timedelta(days=COMMUNICATION_DAYS):
            self._letter(number, order, "order-confirmation", placed)
            left = placed + timedelta(days=2, seconds=self.chance.randrange(_DAY_S))
            if status != "paid" and left < self._spans[number][1]:
                self._letter(number, order, "order-sent", left)
        if age < timedelta(days=USAGE_DAYS):
            recent = [at for at in self._placed[number] if placed - at < WINDOW]
            outcome, reason = judge(total, len(recent) + 1)
            self._add("fraud_checks", order_id=order, at=placed, outcome=outcome, reason=reason)
        self._placed[number].append(placed)

    def _letter(self, number: int, order: int | None, template: str, at: datetime) -> None:
        kind = MARKETING_LETTER if order is None else TRANSACTIONAL_LETTER
        self._add("mail_log", user_id=number, order_id=order, template=template, kind=kind, sent_at=at)

    # -- words ------------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        for line in list(self.rows["order_items"]):
            if self.chance.random() < 0.14:
                self._review(line)
        for number in self._some(0.28):
            other = self.chance.randrange(1, self.people + 1)
            self._talk(number, other, *self._shared(number, other))
        for number in self._some(0.18):
            self._ask(number)

    def _review(self, line: dict[str, Any]) -> None:
        """Some weeks after the order, by who ordered, once for each ware."""
        number = self.rows["orders"][line["order_id"] - 1]["user_id"]
        at = line["placed_at"] + timedelta(seconds=self.chance.randrange(4 * _DAY_S, 50 * _DAY_S))
        if (
            at >= self._spans[number][1]
            or self.now - at > timedelta(days=COMMUNICATION_DAYS)
            or (number, line["product_id"]) in self._reviewed
        ):
            return
        self._reviewed.add((number, line["product_id"]))
        mood = (line["product_id"] * 7) % 5  # some wares please more than others
        rating = self.chance.choice(
            ((2, 3, 3, 4, 5), (3, 4, 4, 5, 5), (2, 4, 4, 4, 5), (3, 4, 5, 5, 5), (4, 5, 5, 5, 5))[mood]
        )
        tea = WARES[line["product_id"] - 1].kind != "teaware"
        words = self.chance.choice(
            (self.words.praise if tea else self.words.praise_for_ware)
            if rating > 3
            else (self.words.blame if tea else self.words.blame_for_ware)
        )
        self._add("reviews", user_id=number, product_id=line["product_id"], rating=rating, body=words, written_at=at)

    def _shared(self, one: int, other: int) -> tuple[datetime, datetime]:
        return max(self._spans[one][0], self._spans[other][0]), min(self._spans[one][1], self._spans[other][1])

    def _talk(self, one: int, other: int, start: datetime, end: datetime) -> None:
        at = self._recently(start, end, COMMUNICATION_DAYS)
        title = self.chance.choice(WARES[:12]).title
        for words in self.chance.choice(self.words.talks):
            if at is None or at >= end or one == other:
                return
            self._add("messages", sender_id=one, recipient_id=other, body=words.format(title), sent_at=at)
            one, other = other, one
            at += timedelta(seconds=self.chance.randrange(300, 2 * _DAY_S))

    def _ask(self, number: int) -> None:
        opened = self._recently(*self._spans[number], COMMUNICATION_DAYS)
        if opened is None:
            return
        end = self._spans[number][1]
        subject, question, answer = self.chance.choice(self.words.asked)
        title = self.chance.choice(WARES).title
        answered = min(opened + timedelta(seconds=self.chance.randrange(1800, 2 * _DAY_S)), end)
        done = self.now - opened > timedelta(days=3)
        ticket = self._add(
            "support_tickets",
            user_id=number,
            subject=subject.format(title),
            status="closed" if done else "open",
            opened_at=opened,
            closed_at=answered if done else None,
        )
        self._add("support_messages", ticket_id=ticket, author="customer", body=question.format(title), sent_at=opened)
        if done:
            self._add("support_messages", ticket_id=ticket, author="staff", body=answer.format(title), sent_at=answered)

    def _mail_newsletters(self) -> None:
        """One about every five weeks, to each who had agreed by then and not taken it back."""
        for back in range(COMMUNICATION_DAYS - 5, 3, -35):
            at = self.now - timedelta(days=back)
            campaign = f"{at:%Y-%m}-{self.words.campaigns[back % len(self.words.campaigns)]}"
            for number, (start, end) in self._spans.items():
                if start <= at < end and self._stands(number, MARKETING, at):
                    self._add("newsletter_sends", user_id=number, campaign=campaign, stop_key=self._key(), sent_at=at)
                    self._letter(number, None, "newsletter", at)

    # -- traces -----------------------------------------------------------------------------------------------------

    def _browse(self) -> None:
        for number in self._some(0.75):
            device = self.chance.choice(self.words.devices)
            for _ in range(self.chance.randrange(1, 8)):
                at = self._recently(*self._spans[number], USAGE_DAYS)
                if at is not None:
                    self._visit(number, at, device)
        for _ in range(self.people * 2):
            at = self.now - timedelta(seconds=self.chance.randrange(60, ACCESS_DAYS * _DAY_S))
            self._add(
                "access_log",
                at=at,
                user_id=None,
                ip=f"{self.chance.choice(_NETWORKS)}.0",
                page=self.chance.choice(self.words.pages),
            )

    def _visit(self, number: int, at: datetime, device: tuple[str, ...]) -> None:
        counted = self._stands(number, ANALYTICS, at)
        self._add(
            "visits",
            user_id=number,
            at=at,
            device_type=device[0],
            os=device[1],
            browser=device[2],
            region=self._homes[number][1] if counted else None,
        )
        ip = self._ip()
        last = min(self._spans[number][1], self._choices.get((number, ANALYTICS), (at, self.now))[1])
        for step in range(self.chance.randrange(1, 6)):
            when = at + timedelta(seconds=40 * step)
            if when < self._spans[number][1] and self.now - at < timedelta(days=ACCESS_DAYS):
                self._add("access_log", at=when, user_id=number, ip=ip, page=self.chance.choice(self.words.pages))
            if counted and when < last:
                ware = self.chance.choice(WARES)
                self._add(
                    "click_events",
                    user_id=number,
                    at=when,
                    kind=self.chance.choice(("open-product", "open-product", "open-product", "add-to-basket")),
                    target=ware.slug,
                )
                if self.chance.random() < 0.25:
                    self._add("searches", user_id=number, at=when, query=self.chance.choice(self.words.searches))

    def _log_in(self) -> None:
        """Who is logged in today; nobody knows the tokens behind these hashes."""
        for number in self._some(0.03):
            start, end = self._spans[number]
            seen = self._recently(start, end, SESSION_DAYS)
            if seen is not None and end == self.now:
                token_hash = "".join(self.chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=52))
                self.rows["sessions"].append(
                    {"token_hash": token_hash, "user_id": number, "created_at": seen, "seen_at": seen}
                )

    # -- chance -----------------------------------------------------------------------------------------------------

    def _add(self, table: str, **row: Any) -> int:
        rows = self.rows[table]
        row["id"] = len(rows) + 1
        rows.append(row)
        return len(rows)

    def _some(self, share: float) -> list[int]:
        return [number for number in self._spans if self.chance.random() < share]

    def _between(self, start: datetime, end: datetime) -> datetime:
        return start + timedelta(seconds=self.chance.randrange(max(int((end - start).total_seconds()), 1)))

    def _recently(self, start: datetime, end: datetime, days: int) -> datetime | None:
        start = max(start, self.now - timedelta(days=days))
        return self._between(start, end) if start < end else None

    def _key(self) -> str:
        return "".join(self.chance.choices("abcdefghjkmnpqrstvwxyz", k=32))

    def _ip(self) -> str:
        if self.chance.random() < 0.2:
            return f"2001:db8:{self.chance.randrange(65536):x}::{self.chance.randrange(1, 65536):x}"
        return f"{self.chance.choice(_NETWORKS)}.{self.chance.randrange(1, 255)}"


_NETWORKS: Final = ("192.0.2", "198.51.100", "203.0.113")


def _phones() -> Iterator[str]:
    """Numbers that regulators keep free for fiction, each once: Ofcom, the North American plan, Bundesnetzagentur."""
    for last in range(100):
        for area in (202, 206, 212, 303, 312, 415, 503, 617, 702, 808):
            yield f"+1{area}55501{last:02}"
    for last in range(1000):
        yield f"+447700900{last:03}"
        yield f"+493023125{last:03}"
