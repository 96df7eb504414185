"""The doors to demands and transfers: what leaves to an authority, and a business that changes hands."""
