"""Changes to the policy (section 8): every published version is kept as it was, and material changes are told in time.

`versions` publishes and keeps, `comparison` tells what changed and whether it is material, `centre` shows the page with
a verdict beside each sentence and every older version; `checks` reads the page and the history for itself.
"""
