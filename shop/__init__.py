"""What the shop does, one activity a module. Nothing in here speaks HTTP or knows Flask."""
