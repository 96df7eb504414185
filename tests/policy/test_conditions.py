from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.policy import conditions
from troth.policy.conditions import AllOf, AnyOf, Compare, Comparison, Condition, columns, parse

names = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20)
texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
values = st.one_of(texts, st.booleans(), st.integers(-(10**9), 10**9))
compares = st.one_of(
    st.builds(Compare, names, st.sampled_from([c for c in Comparison if c.value in "= != < <= > >="]), values),
    st.builds(Compare, names, st.just(Comparison.IN), st.lists(values, min_size=1, max_size=3).map(tuple)),
    st.builds(Compare, names, st.sampled_from([Comparison.NULL, Comparison.NOT_NULL])),
)


@given(parts=st.lists(st.lists(compares, min_size=2, max_size=3), min_size=2, max_size=3))
def test_what_is_written_reads_back_the_same_whatever_the_names(parts: list[list[Compare]]) -> None:
    condition = AnyOf(tuple(AllOf(tuple(part)) for part in parts))

    assert parse(str(condition)) == condition


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("object_type = 'User'", Compare("object_type", Comparison.EQUAL, "User")),
        ("a <> 3", Compare("a", Comparison.DIFFERENT, 3)),
        ("a IS NOT NULL", Compare("a", Comparison.NOT_NULL)),
        ("a in (1, 'x', true)", Compare("a", Comparison.IN, (1, "x", True))),
        ("a not in (-1.5)", Compare("a", Comparison.NOT_IN, (-1.5,))),
        ("\"weird \"\"name\" = 'it''s'", Compare('weird "name', Comparison.EQUAL, "it's")),
        (
            "a = 1 and (b = 2 or c = 3)",
            AllOf(
                (
                    Compare("a", Comparison.EQUAL, 1),
                    AnyOf((Compare("b", Comparison.EQUAL, 2), Compare("c", Comparison.EQUAL, 3))),
                )
            ),
        ),
    ],
)
def test_an_expression_means_what_it_says(text: str, meaning: Condition) -> None:
    assert parse(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user_id",
        "user_id =",
        "user_id = other_id",
        "1 = 1",
        "a = 1; drop table users",
        "a = 1 -- and more",
        "a = 1 or",
        "(a = 1",
        "a is 1",
        "a in ()",
        "a like '%x%'",
        "a = 'unclosed",
        "f(a) = 1",
        "not a = 1",
        "a = 1 union select 2",
        "(" * 100 + "a = 1" + ")" * 100,
        "a = 1 and " * 500 + "a = 1",
    ],
)
def test_what_is_no_plain_comparison_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_the_columns_of_a_condition_are_known() -> None:
    assert columns(parse("b = 1 and (a is null or b = 2)")) == ("b", "a")


@pytest.mark.parametrize("name", ["and", "null", "a b", "", 'x"y', "1a", "größe"])
def test_names_are_quoted_where_they_must_be(name: str) -> None:
    if name:
        assert parse(f"{conditions.quoted(name)} = 1") == Compare(name, Comparison.EQUAL, 1)
