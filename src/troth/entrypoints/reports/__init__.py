"""What `check` and `lint` found, written for people (text) and for machines (JSON, SARIF, JUnit).

Every form says the same. The JSON shapes are versioned by `schema` and are what other programs may rely on.
"""
