"""The tables, by subject; `shop` imports them from here, blueprints from `models`."""
