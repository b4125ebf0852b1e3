"""Tests of the accountant's corner."""
