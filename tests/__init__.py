"""Tests of the shop, run on every database it supports."""
