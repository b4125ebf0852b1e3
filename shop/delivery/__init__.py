"""Delivery of paid orders by the Office provider: groups, added licences and seats."""
