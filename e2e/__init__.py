"""The shop as customers meet it: in a browser, against real processes."""
