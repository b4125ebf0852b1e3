"""The tables, by what they are about; `shop` imports them from here, blueprints from `models`."""
