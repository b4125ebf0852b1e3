"""The table of figures: the shop beside its floors, in one run, on SQLite and PostgreSQL.

::

    python -m bench                                  everything
    python -m bench --only pages journeys --on sqlite
    python -m bench --compare                        also what became slower than the baseline
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from bench import baseline, places
from bench.figures import Figure, table
from bench.parts import PARTS, Effort
from bench.visitor import JourneyFailed


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and keep or compare it; return the exit status.

    1 means that a measurement failed, or that something is slower than the baseline.
    """
    asked = _parser().parse_args(arguments)
    effort = Effort(rounds=asked.rounds, large=asked.large)
    try:
        figures = list(_measured(asked, effort))
        print(table(figures))
        if asked.compare:
            return _compare(figures)
        baseline.write(figures, baseline.FILE)
    except (JourneyFailed, RuntimeError, OSError, baseline.NoBaseline) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(f"The baseline is {baseline.FILE}: `make bench-compare` compares with it.")
    return 0


def _measured(asked: argparse.Namespace, effort: Effort) -> list[Figure]:
    figures: list[Figure] = []
    with places.opened(asked.on, asked.postgresql) as opened:
        for place in opened:
            for name in asked.only:
                began = time.perf_counter()
                figures += PARTS[name](place, effort)
                print(f"{name} on {place.name}: {time.perf_counter() - began:.0f} s", flush=True)
    return figures


def _compare(figures: Sequence[Figure]) -> int:
    worse = list(baseline.slower(figures, baseline.FILE))
    for change in worse:
        print(f"SLOWER  {change}")
    if not worse:
        print(f"Nothing is slower than {baseline.FILE.name} by more than a factor of "
              f"{baseline.TOLERANCE}.")  # fmt: skip
    return 1 if worse else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the shop.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                        help=f"of {', '.join(PARTS)}")  # fmt: skip
    parser.add_argument("--on", nargs="+", choices=("sqlite", "postgresql"),
                        default=["sqlite", "postgresql"], help="which databases")  # fmt: skip
    parser.add_argument("--postgresql", default="", help="a server; by default one is started")
    parser.add_argument("--rounds", type=int, default=Effort.rounds, help="of each measurement (3)")
    parser.add_argument("--large", type=int, default=Effort.large, help="rows of large customers")
    parser.add_argument("--compare", action="store_true", help="with the baseline, and leave it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
