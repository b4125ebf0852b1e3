"""The set-up: installed packages, and the wheel that is built."""
