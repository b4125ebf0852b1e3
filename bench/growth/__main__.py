"""Print the table; end with an error if a page of the large shop costs too much."""

from __future__ import annotations

import argparse

from bench import growth, places


def main() -> None:
    """Measure on the databases asked for."""
    parser = argparse.ArgumentParser(prog="bench.growth", description=growth.__doc__)
    parser.add_argument("--on", nargs="+", default=["sqlite"], choices=["sqlite", "postgresql"])
    parser.add_argument("--postgresql", default="", help="the URL of a server to use")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--large", type=int, default=growth.LARGE, help="a multiple of 1,000")
    parser.add_argument("--only", default="", help="pages whose name contains this text")
    options = parser.parse_args()
    failed = []
    with places.opened(options.on, options.postgresql) as opened:
        for place in opened:
            print(f"{place.name}\n{growth.heading(options.large)}", flush=True)
            for each in growth.measure(place, options.large, options.rounds, options.only):
                print(each, flush=True)
                if each.is_too_much:
                    failed.append(f"{each.page} ({place.name})")
    if failed:
        raise SystemExit(f"too slow in the large shop: {', '.join(failed)}")


if __name__ == "__main__":
    main()
