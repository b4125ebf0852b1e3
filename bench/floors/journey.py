"""The customer of the bare journey: chooses, identifies, confirms, pays, and looks at pages."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from bench.client import Browser
from bench.floors import Floor
from bench.journeys import Run

POSTS = ("choose", "identify", "confirm", "pay")
"""Each redirects to a page: two requests."""


def measure(floor: Floor, customers: int, journeys: int, requests: int) -> Run:
    """Run ``journeys`` journeys of ``requests`` requests, ``customers`` at a time."""

    def one(_: int) -> None:
        walk(floor.url, requests)

    used, own, began = floor.processor_seconds(), time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(customers) as pool:
        list(pool.map(one, range(journeys)))
    return Run(
        journeys,
        time.perf_counter() - began,
        {"web": floor.processor_seconds() - used},
        time.process_time() - own,
    )


def walk(url: str, requests: int) -> None:
    """Make one journey. Raises `bench.client.RequestFailed`, and `AssertionError` for an error."""
    with Browser(url) as browser:
        while browser.requests_to.total() < requests - 2 * len(POSTS):
            assert browser.get("/journey/5").status == 200
        for name in POSTS:
            assert browser.post(f"/journey/{name}", {"quantity": "5"}).status == 200, name
