"""Marketing stopped at any time, by anybody who gets it: without login, with one click, also without an account.

`tokens` makes the links; `suppression` keeps which addresses get no mail; `unsubscribe` carries a stop out; `signals`
honours Global Privacy Control; `wellknown` are the documents that programs look for. Door: `centre`.
"""
