"""Code shared by tests: the cast, in-process parties, and factories for rows."""
