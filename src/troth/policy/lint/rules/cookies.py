"""Rules about section 6 as published."""

from __future__ import annotations

from collections.abc import Iterator

from troth.policy.law.provisions import Duty
from troth.policy.lint.page import Page
from troth.policy.lint.registry import Flaw, rule
from troth.policy.lint.words.cookies import BROWSER, COOKIE_CHOICE, OPTIONAL_COOKIES


@rule(
    "cookies.browser-settings-only",
    "Cookies are set without consent, or refused in the browser only",
    fault=11,
    duty=Duty.COOKIE_CONSENT,
)
def browser_settings_only(page: Page) -> Iterator[Flaw]:
    """Cookies that are not strictly necessary need consent first; the settings of a browser are no consent.

    Finds: a page with optional cookies that offers the browser's settings, or nothing at all, and no choice of its own.
    Does not find: cookies that are set before the choice; `troth scan` looks at that.
    Before: "You can manage cookies through your browser settings".
    After: "We set optional cookies only if you agree; change your choice at any time under Cookie settings".
    """
    optional = page.find(OPTIONAL_COOKIES)
    said = page.within("cookies")
    if not optional or any(_own_choice(each.parts) for each in said):
        return
    browser = next((each for each in said if BROWSER.search(each.text)), None)
    repair = 'Say: "We set optional cookies only if you agree; change your choice at any time under Cookie settings".'
    if browser:
        yield Flaw(browser.place, "the only choice named is the browser's; that is no consent.", repair)
    else:
        yield Flaw(optional[0].place, "optional cookies are set, and no consent is asked for.", repair)


def _own_choice(parts: tuple[str, ...]) -> bool:
    """Whether one of these sentences offers a choice that is not the browser's."""
    return any(COOKIE_CHOICE.search(part) and not BROWSER.search(part) for part in parts)
