"""Tests of the sandbox alone: none of them needs the shop's database."""
