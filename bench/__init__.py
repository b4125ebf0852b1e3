"""Benchmarks: order journeys, pages of large groups, renewals and PDF documents."""
