"""How to reach us (section 9): every way that the policy names leads to somebody, and to the authority above us.

`addresses` judges a published address, number or mailbox by its form; `checks` adds what a probe can see (does the
domain take mail, does the page name the authority) and says what only a person can attest.
"""
