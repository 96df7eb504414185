"""The rules: about the words by section of the page, about the meaning in the modules called `declared`."""
