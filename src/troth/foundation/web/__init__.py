"""The shell of every page: who asks, what was typed, how the answer looks, and what a browser may do with it.

A door is a plain function from a `Visit` to a `Page`; `doors` reads the form, checks that it came from us, finds the
caller, runs the function on a worker thread and lets the shell render what it gave. Pages work without JavaScript.
"""
