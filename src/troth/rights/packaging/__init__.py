"""What stands in the copy that a person gets, and how it is written: values, names, tables, the page, the manifest.

Nothing here reads a store. `packages` beside this folder builds a copy of these parts, seals it and hands it out.
"""
