"""Walk through a shop as a new customer: ``python -m tests.upgrade.walk URL``.

Registers, orders, pays, waits for the licences and gives one to a person. A release is walked
through by the copy of this program that it came with, which knows its pages.
"""

from __future__ import annotations

import math
import sys

from bench.customer import DELIVERED, FAILED
from bench.visitor import JourneyFailed
from tests.faults.buyer import Buyer
from tests.support import patience


class NewCustomer(Buyer):
    """A customer who registers while ordering; nothing is tried again."""

    def __init__(self, url: str) -> None:
        super().__init__(url, None, math.inf)
        self._browser.timeout = patience.STUCK

    def walk(self) -> None:
        """Register, order, pay, wait and activate. Raises `JourneyFailed`."""
        with self._browser:
            self.place()
            self._pay()
            order = str(self._page.url)
            patience.wait_until(lambda: self._has_come(order), lambda: 0)
            self._activate()
            self._open("licences", f"/manager/groups/{self._group()}")
            self._expect("licences", f"{self._login}@")

    def _has_come(self, order: str) -> bool:
        self._open("order", order)
        if failed := [word for word in FAILED if word in self._page.text]:
            raise JourneyFailed(f"installation: {failed} at {order}")
        return DELIVERED in self._page.text


def main(url: str) -> int:
    """Walk through the shop at ``url``; return the exit status."""
    try:
        NewCustomer(url).walk()
    except JourneyFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
