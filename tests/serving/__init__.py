"""How the shop is served: behind buffers, within limits, by processes that are watched."""
