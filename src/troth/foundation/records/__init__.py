"""The company's own stores, looked at and never written: where personal data is, how much, how old, who may see it.

`connectors` reach a store read-only and within a time limit, through one dialect each (`postgresql`, `mariadb`,
`sqlite`); `catalogue` is what a store says of itself; `reading` asks questions about places of the data map; `ages` and
`instants` read time in the ways that schemas write it; `sampling` looks at a few values spread over a table.
"""
