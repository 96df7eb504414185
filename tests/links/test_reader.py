"""Where pages lead and what their addresses carry."""

from __future__ import annotations

import pytest

from troth.foundation import markup
from troth.links import reader

OWN = frozenset({"shop.example.com"})


def pages(html: str):
    return [("/", markup.read(html.encode(), url="http://shop.example.com/"))]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://tea.example.org/a?to=ada%40example.org", "a mail address"),
        ("https://tea.example.org/ada@example.org/x", "a mail address"),
        ("https://tea.example.org/?x=a8f3b2c1d4e5f6a7b8c9d0e1f2a3b4c5", "a long token"),
        ("https://tea.example.org/?user_id=17", "a personal value"),
        ("https://tea.example.org/?session=1", "a personal value"),
        ("https://tea.example.org/?utm_source=shop-example-com-newsletter-2026", None),
        ("https://tea.example.org/articles/how-to-brew-green-tea-2026", None),
        ("https://tea.example.org/?q=oolong+tea&page=2", None),
        ("https://tea.example.org/", None),
    ],
)
def test_what_an_address_carries(url: str, kind: str | None) -> None:
    assert reader.carried(url) == kind


def test_what_an_address_carries_is_never_repeated() -> None:
    found = reader.outgoing(pages('<a href="https://tea.example.org/?m=ada@example.org">x</a>'), OWN)

    assert found[0].carries == "a mail address"
    assert "ada@" not in repr(found)


def test_own_hosts_and_other_schemes_are_not_outgoing() -> None:
    html = '<a href="/a"></a><a href="https://www.shop.example.com/"></a>'
    html += '<a href="mailto:x@y.example"></a><a href="tel:+1"></a>'

    assert reader.outgoing(pages(html), OWN) == ()


def test_what_is_loaded_from_others_is_told_once_for_each_host_and_kind() -> None:
    html = '<img src="https://i.example.net/1"><img src="https://i.example.net/2"><script src="https://i.example.net/3"></script>'

    assert [(each.host, each.kind) for each in reader.loaded(pages(html), OWN)] == [
        ("i.example.net", "image"),
        ("i.example.net", "script"),
    ]


def test_forms_that_send_to_others_are_told_and_those_of_the_house_are_not() -> None:
    html = (
        '<form action="https://forms.example.net/x"><input name="q"></form><form action="/own"><input name="r">'
        '<button formaction="https://other.example.net/y">Send</button></form><form><input name="s"></form>'
    )

    assert [(each.host, each.kind) for each in reader.loaded(pages(html), OWN)] == [
        ("forms.example.net", "form"),
        ("other.example.net", "form"),
    ]


@pytest.mark.parametrize(
    ("header", "meta", "policy"),
    [
        ("strict-origin", "", "strict-origin"),
        ("unsafe-url, no-referrer", "", "no-referrer"),
        ("no-referrer, something-new", "", "no-referrer"),
        ("no-referrer", "unsafe-url", "unsafe-url"),
        ("nonsense", "", None),
        ("", "", None),
    ],
)
def test_the_referrer_policy_in_force_is_the_last_known_word(header: str, meta: str, policy: str | None) -> None:
    assert reader.referrer_policy(header, meta) == policy
