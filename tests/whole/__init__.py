"""Contracts of the whole application: routes, layers, pages, texts."""
