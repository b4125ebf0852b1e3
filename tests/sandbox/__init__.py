"""The sandbox by itself: no test in here needs the shop's database."""
