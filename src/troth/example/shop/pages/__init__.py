"""The pages: each handler reads what was asked, calls one thing, and shows the answer."""
