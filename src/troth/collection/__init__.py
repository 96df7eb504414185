"""Section 1, what we collect: nothing is stored that is not declared, nothing is declared that is not stored.

`discovery` finds personal data in live stores, `drafting` makes a first data map of it, `drift` keeps later changes
visible, `grants` says what rights troth needs there; `checks` hold the stores against the sentences, both ways.
"""
