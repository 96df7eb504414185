"""The policy as it is published: text, Markdown, HTML, linked data (DPV), PDF.

Promise: every format prints the same words in the same order. `outline` turns the policy into the blocks of the page,
once; `text`, `markdown`, `html` and the web page only dress them. `annexes` has the tables that HTML may add behind the
words (the text format never does). Nothing in a policy is evaluated: every character of it is shown.
"""
