"""Tests of the shop, run on every database it supports; the folders mirror the house."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
