"""What is sold, for how much and for which period; the one place where money is rounded."""
