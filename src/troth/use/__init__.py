"""Section 2, how and on what basis we use information: no use without its purpose, its ground and the person's word.

`tables` keeps what people said (consent, objection, restriction), only ever adding. `consent`, `objections` and
`restrictions` write it down, each word with its ledger leaf in one transaction. `standing` reads it: the later word
counts. `decision` holds the rules, pure and compiled once a policy; `lease` answers from memory for as long as it
may; `audience`, `bitmaps` and `batch` answer for everybody at once.
Doors: `api` (the company's apps), `centre` (the person), `commands` (the operator).
"""
