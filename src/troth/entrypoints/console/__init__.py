"""The console for staff: what is broken today and the command that repairs it, every sentence, every turn.

Whoever is not signed in sees the sign-in page and nothing else.
"""
