"""Cookies (section 6): what is stored on a visitor's device is what the policy lists, nothing optional before a choice.

`scanner` reads what servers ask a browser to store; `checks` holds it against the declared items. What scripts store is
not watched yet, and the checks say so instead of passing.
"""
