"""The shell of every page: its frame, forms that must come from us, and what a browser may do with the answer.

A door is a plain function from an `Ask` to a response; `pages.Site` reads and guards its form, runs it in a thread and
renders its template. Pages work without JavaScript.
"""
