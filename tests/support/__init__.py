"""What tests share: the cast, parties in this process, and what they need made."""
