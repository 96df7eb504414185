"""Sharing (section 4): data go only to those whom the policy names, under a contract, and only for a reason it lists.

`gate` lets out what may leave, `safeguards` and `age` protect it, `recording` puts it on record before it leaves, and
`delivery` lets it go. `disclosures`, `observed`, `sent` and `support` only look; `checks` judge by them, by the contracts
and certificates, and by the published list.
"""
