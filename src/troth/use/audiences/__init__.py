"""The audience of a purpose from the terminal: `commands`. What an audience is stands in `use/audience`."""
