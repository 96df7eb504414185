"""When data got out: the register of breaches (GDPR Art. 33(5)), its clocks, whom it concerns, and the letters.

`register` writes it, `affected` finds who is in the places concerned, `letters` drafts what must be told, `duties` and
`reading` give it to the check.
"""
