"""Customer accounts: registration, passwords, two-factor sign-in, sessions, profile."""
