"""What a plan says before anything runs: in JSON, in words, as a picture; without a value of any row."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.records.erasing.company import NOW, Company, Make, new_url
from tests.foundation.records.erasing.test_erasing import MAP, SHOP
from troth.foundation.records.erasurepicture import picture
from troth.foundation.records.erasureplan import ErasurePlan, StepCounts, total


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Company]:
    make = Make("sqlite", new_url(request, tmp_path, "sqlite"))
    yield make(SHOP, MAP)
    make.close()


def test_the_plan_says_what_goes_changes_and_stays_with_counts_and_why(shop: Company) -> None:
    plan = ErasurePlan((shop.plan(shop.find("1")),))

    steps = {(each["table"], each["do"]): each for each in json.loads(json.dumps(plan.as_json()))}
    assert steps["order_items", "delete"] == {
        "store": "shop",
        "table": "order_items",
        "do": "delete",
        "n": 2,
        "columns": {},
        "why": "it hangs on their row of orders (order_id)",
    }
    assert steps["orders", "keep"]["columns"] == {
        "user_id": "null", "note": "redact", "phone": "null", "address_id": "null",
    }  # fmt: skip
    assert plan.kept() == [{"where": "orders in shop", "n": 1, "ground": "tax-law", "until": "2035-05-05"}]
    assert plan.rows == sum(each["n"] for each in plan.as_json())


def test_the_words_and_the_picture_say_the_same_and_name_nobody(shop: Company) -> None:
    plan = ErasurePlan((shop.plan(shop.find("1")),))

    words, drawn = plan.words(), picture(plan)

    assert "order_items: 2 rows deleted, because it hangs on their row of orders (order_id)." in words
    assert "Kept: 1 row of orders in shop (id, placed_at, total, billing_name), for tax-law, until 2035-05-05." in words
    svg = ET.fromstring(drawn)
    texts = [each.text or "" for each in svg.iter() if each.tag.endswith("}text")]
    assert any("order_items" in text for text in texts)
    assert svg.get("role") == "img"
    assert [each.text for each in svg if each.tag.endswith("}desc")] == [words]
    for shown in (words, drawn, repr(plan), json.dumps(plan.as_json())):
        assert "ann" not in shown.casefold()
        assert "Needle" not in shown
    assert "<style" not in drawn
    assert "<script" not in drawn


def test_the_hash_speaks_about_all_and_the_rule_about_all_but_counts(shop: Company) -> None:
    first = ErasurePlan((shop.plan(shop.find("1")),))
    again = ErasurePlan((shop.plan(shop.find("1")),))
    shop.run("insert into visits values (9, 1, '192.0.2.1', null)")
    later = ErasurePlan((shop.plan(shop.find("1")),))
    other_map = shop.mapped(MAP.replace("body: redact", "body: null"))
    changed = ErasurePlan((other_map.plan(other_map.find("1")),))

    assert first.hash == again.hash
    assert len(first.hash) == 64
    assert later.hash != first.hash
    assert later.rule == first.rule
    assert changed.rule != first.rule


def test_a_plan_changes_nothing(shop: Company) -> None:
    before = shop.everything()

    shop.plan(shop.find("1"))

    assert shop.everything() == before


def test_counts_of_several_runs_add_up() -> None:
    one = StepCounts({"a": 1}, {}, {}, {"b": 2})
    two = StepCounts({"a": 2, "c": 1}, {"a": 1}, {}, {}, resumed=True)

    assert total([one, two]).as_json() == {"erased": {"a": 3, "c": 1}, "changed": {"a": 1}, "cut": {}, "kept": {"b": 2}}
    assert not total([one, two]).resumed
    assert StepCounts.of_json(one.as_json()) == one
    assert NOW.tzinfo is not None
