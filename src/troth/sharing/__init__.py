"""Sharing (section 4): data go only to those whom the policy names, under a contract, and only for a reason it lists.

`gate` lets out what may leave, `safeguards` and `age` protect it, `recording` puts it on record before that, and
`delivery` sends it. `disclosures`, `observed`, `sent` and `support` only look; `checks` judge by them, by the contracts
and certificates, and by the published list.
"""
