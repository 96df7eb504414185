"""Example Company: a small tea shop that lives by the example policy.

`policy.yaml` is what it promises, `datamap.yaml` where its data lies, `shop` the shop itself. The shop is a guest: it
uses troth through the front door only, as any company would.
"""
