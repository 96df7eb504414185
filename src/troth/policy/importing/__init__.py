"""An existing policy (text, Markdown, HTML) into a first policy.yaml.

Promise: no word of the source is lost, the result reads back, and rendering it as text gives the source's lines again
(but for blank lines, wrapping, indentation and runs of spaces). What a sentence means is guessed from its words and
marked as a guess; what could not be known is asked in the notes.

`plaintext`, `markdown` and `webpage` find the blocks of a source, `arrangement` puts them under their headings,
`sections` spreads the headings over the nine sections, `meanings` guesses, `naming` and `numbering` give ids and
numbers, `writing` writes the file; `drafting` calls them in this order.
"""
