"""Papers a second: typeset by one thread, by two that take turns, and by two at once, in one run.

A worker has several threads. The three ways are measured by turns, so that none has the warmer
machine. Printed are the medians of the rounds, the lowest and the highest; the run fails where
taking turns is slower than typesetting at once.

    python -m bench.papers [--papers 20] [--rounds 5]
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
    """Measure each way in turns, print, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pdf.from_html(PAGE)  # reads the style and the fonts
    ways: dict[str, Callable[[int], float]] = {
        "one thread": lambda papers: _seconds(papers, threads=1),
        "two that take turns": lambda papers: _seconds(papers, threads=2),
        "two at once": _seconds_at_once,
    }
    rounds = [
        {name: options.papers / way(options.papers) for name, way in ways.items()}
        for _ in range(options.rounds)
    ]
    middle = {name: statistics.median(each[name] for each in rounds) for name in ways}
    for name, rate in middle.items():
        all_of_it = [each[name] for each in rounds]
        print(f"{name:<20} {rate:6.1f} a second  ({min(all_of_it):.1f} to {max(all_of_it):.1f})")
    if middle["two that take turns"] < middle["two at once"]:
        raise SystemExit("taking turns is not worth its while")


def _seconds(papers: int, threads: int) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(pdf.from_html, [PAGE] * papers))
    return time.perf_counter() - began


def _seconds_at_once(papers: int) -> float:
    with _without_turns():
        return _seconds(papers, threads=2)


@contextlib.contextmanager
def _without_turns() -> Iterator[None]:
    turn: AbstractContextManager[object] = pdf.turn
    pdf.turn = contextlib.nullcontext()
    try:
        yield
    finally:
        pdf.turn = turn


if __name__ == "__main__":
    main()
