"""One decision in process against the least it can cost: a compiled mask look-up with string keys, in one call.

`python -m bench.decision` prints each ratio with its budget. Both sides answer the same questions about the same
people and are checked to agree before the clock starts.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import cedar, rego
from bench.ratio import Figure, at_most, compare

PEOPLE = 2_000
QUESTIONS = 50_000
TRUTH = 100_000
"""So many random questions are answered by every engine and compared; fewer with `TRUTH=2000` in the environment."""

CATEGORIES = (
    "contact.email", "contact.phone", "contact.address", "profile.name", "account.username", "usage.page",
    "usage.click", "usage.search", "device.ip", "device.os",
)  # fmt: skip
PURPOSES = {
    "service.provide": "contract", "marketing": "consent", "analytics": "consent", "fraud": "legitimate-interests",
    "security": "legitimate-interests", "legal": "legal-obligation", "news": "consent", "research": "public-task",
    "personalisation": "consent", "surveys": "consent", "rescue": "vital-interests", "transactions": "contract",
}  # fmt: skip
RECIPIENTS = ("Example Mail", "Example Pay", "Example Metrics", "Example Help")


def policy_text(random_: random.Random) -> str:
    """A policy whose questions are 600: 12 purposes over 10 categories, for ourselves and 4 recipients."""
    uses = [
        f"    c{number}: {{text: Sentence {number}., uses: [{{purpose: {purpose}, basis: {basis}, "
        f"data: [{', '.join(random_.sample(CATEGORIES, 5))}]}}]}}"
        for number, (purpose, basis) in enumerate(PURPOSES.items())
    ]
    named = [
        f"    r{number}: {{cells: [{name}], recipients: ["
        + ", ".join(
            f"{{name: {name}, country: DE, purpose: {purpose}, data: [{', '.join(CATEGORIES)}]}}"
            for purpose in random_.sample(list(PURPOSES), 8)
        )
        + "]}"
        for number, name in enumerate(RECIPIENTS)
    ]
    head = ["troth: 1", "title: Privacy Policy", "controller: {name: Example Company, country: IE}", "laws: [gdpr]"]
    use = ["use:", '  number: "1"', "  title: Use", "  purposes:", '    number: "1.1"', "    title: Purposes"]
    sharing = ["sharing:", '  number: "2"', "  title: Sharing", "  processors:", '    number: "2.1"']
    return "\n".join([*head, *use, *uses, *sharing, "    title: Processors", "    columns: [Who]", *named, ""])


def anything(chance: random.Random) -> tuple[str, str, str, str | None]:
    """A random question out of all, declared or not."""
    recipient = chance.choice([None, *RECIPIENTS])
    return f"id={chance.randrange(PEOPLE)}", chance.choice(list(PURPOSES)), chance.choice(CATEGORIES), recipient


def agree(may: Callable[..., Any], words: dict[str, int], masks: dict[Any, tuple[int, int]], count: int) -> str:
    """Put `count` random questions to every engine; gives what was compared. Raises: AssertionError on a difference."""
    chance = random.Random(count)
    asked = [anything(chance) for _ in range(count)]
    ours = [bool(may(*question)) for question in asked]
    assert 0.05 < sum(ours) / count < 0.9
    compared = []
    for name, engine in (("cedarpy", cedar.engine), ("regopy", rego.engine)):
        with suppress(ModuleNotFoundError):
            allows = engine(masks, words)
            assert [allows(*question) for question in asked] == ours, name
            compared.append(name)
    return ", ".join(compared) or "no other engine"


def figures() -> list[Figure]:
    """The ratios, measured now on an instance of its own."""
    from troth import application
    from troth.foundation.keys import Keyring
    from troth.foundation.ledger import tables as _ledger
    from troth.foundation.store import Store, migrations
    from troth.foundation.store.schema import metadata
    from troth.use import standing
    from troth.use.decision import decide

    assert _ledger is not None
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policy.yaml").write_text(policy_text(chance), encoding="utf-8")
        Keyring.create(folder)
        with Store.open(f"sqlite:///{folder}/troth.sqlite3") as store:
            migrations.upgrade(store)
            with store.writing() as tx:
                metadata.create_all(tx)
        with application.open(folder, {}) as troth:
            troth.register_many({"id": str(n)} for n in range(PEOPLE))
            for purpose in ("marketing", "analytics", "news"):
                troth.give_consents((f"id={n}", purpose, None) for n in chance.sample(range(PEOPLE), PEOPLE // 2))
            for n in chance.sample(range(PEOPLE), PEOPLE // 50):
                troth.object_to(f"id={n}", "*")
            for n in chance.sample(range(PEOPLE), PEOPLE // 100):
                troth.restrict(f"id={n}")

            compiled = troth.office.compiled
            with troth.office.store.reading() as tx:
                numbers = standing.find_many(tx, troth.office.keyring, [f"id={n}" for n in range(PEOPLE)])
                found = standing.load_words(tx, compiled)
                words = {f"id={n}": found[number] for n, number in enumerate(numbers) if number is not None}
            masks = {key: (mask, required) for key, (mask, required, _, _) in compiled.table.items()}

            def look_up(person: str, purpose: str, data: str, recipient: str | None) -> bool:
                mask, required = masks[purpose, data, recipient]
                return words[person] & mask == required

            keys = list(masks)
            asked: list[tuple[Any, ...]] = [
                (f"id={chance.randrange(PEOPLE)}", *chance.choice(keys)) for _ in range(QUESTIONS)
            ]
            inner = [(words[person], purpose, data, recipient) for person, purpose, data, recipient in asked]
            truth = [look_up(*question) for question in asked]
            assert [bool(troth.may(*question)) for question in asked] == truth
            assert [bool(decide(compiled, *question)) for question in inner] == truth
            assert 0.2 < sum(truth) / QUESTIONS < 0.9

            may = troth.may
            floor = lambda: [look_up(p, u, d, r) for p, u, d, r in asked]  # noqa: E731 - the floor, in one line
            return [
                at_most(
                    f"may() in process, {QUESTIONS} decisions over {PEOPLE} people, against the mask look-up",
                    compare(lambda: [may(p, u, d, r) for p, u, d, r in asked], floor),
                    2.5,
                ),
                at_most(
                    f"decide() with the standing at hand, {QUESTIONS} decisions, against the mask look-up",
                    compare(lambda: [decide(compiled, w, u, d, r) for w, u, d, r in inner], floor),
                    2.5,
                ),
                cedar.figure(may, asked, words, masks),
                rego.figure(may, asked, words, masks),
                Figure(
                    f"answers to {_truth()} random questions out of 600, declared or not",
                    f"equal to those of {agree(may, words, masks, _truth())}",
                    "all equal",
                    kept=True,
                ),
            ]


def _truth() -> int:
    return int(os.environ.get("TRUTH", TRUTH))


if __name__ == "__main__":
    measured = figures()
    for figure in measured:
        verdict = {None: "", True: "kept", False: "BROKEN"}[figure.kept]
        print(f"{figure.what}: {figure.figure}, budget {figure.budget}, {verdict}")
    sys.exit(0 if all(figure.kept is not False for figure in measured) else 1)
