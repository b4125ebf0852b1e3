"""PDF documents per second: by one thread, by two that take turns, and by two in parallel.

A worker has several threads. The three variants are measured alternately, so that none profits
from a warmer machine. The output is the median, the lowest and the highest of all rounds; the run
fails if taking turns is slower than rendering in parallel.

    python -m bench.documents [--documents 20] [--rounds 5]
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from shop.documents import pdf

PAGE = "<html lang='fr'><title>Papier</title><h1>Papier</h1>{}</html>".format(
    "<table>{}</table>".format("<tr><th>Licence</th><td>Office 365 Business</td></tr>" * 20)
    + "<p>Chaque licence permet 5 installations d’Office sur ordinateur, tablette ou mobile.</p>"
    * 10
)


def main() -> None:
    """Measure the variants alternately, print and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pdf.from_html(PAGE)  # loads the style sheet and the fonts
    variants: dict[str, Callable[[int], float]] = {
        "one thread": lambda documents: _seconds(documents, threads=1),
        "two that take turns": lambda documents: _seconds(documents, threads=2),
        "two in parallel": _seconds_in_parallel,
    }
    rounds = [
        {name: options.documents / variant(options.documents) for name, variant in variants.items()}
        for _ in range(options.rounds)
    ]
    medians = {name: statistics.median(each[name] for each in rounds) for name in variants}
    for name, rate in medians.items():
        rates = [each[name] for each in rounds]
        print(f"{name:<20} {rate:6.1f} per second  ({min(rates):.1f} to {max(rates):.1f})")
    if medians["two that take turns"] < medians["two in parallel"]:
        raise SystemExit("taking turns is slower than rendering in parallel")


def _seconds(documents: int, threads: int) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(pdf.from_html, [PAGE] * documents))
    return time.perf_counter() - began


def _seconds_in_parallel(documents: int) -> float:
    with _without_turns():
        return _seconds(documents, threads=2)


@contextlib.contextmanager
def _without_turns() -> Iterator[None]:
    lock: AbstractContextManager[object] = pdf.rendering_lock
    pdf.rendering_lock = contextlib.nullcontext()
    try:
        yield
    finally:
        pdf.rendering_lock = lock


if __name__ == "__main__":
    main()
