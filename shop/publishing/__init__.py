"""What administrators publish: prices, contract versions, offers and announcements.

Each act needs a reason, and is an event with who did it. The catalogue's version changes with
each, so that no page keeps what was published before.
"""
