"""Exchange services, as tests need them."""

from __future__ import annotations

from collections.abc import Iterable

from models import Account, ExchangeAccount, ExchangeService
from shop.exchange import services
from shop.exchange.csv_file import CsvFile
from shop.exchange.services import Changes

NAME = "exchange-atelier"
DOMAIN = "atelier.example"


def take_over(account: Account, lines: Iterable[str], name: str = NAME) -> Changes:
    """Make a service what these lines of a CSV file say."""
    return services.take_over(account, name, CsvFile("\n".join(lines).encode()))


def lines(number: int) -> list[str]:
    """So many people, one a line: p01@atelier.example, First 01, Last 01."""
    return [f"p{n:02d}@{DOMAIN},First {n:02d},Last {n:02d}" for n in range(1, number + 1)]


def service(account: Account, number: int = 40, name: str = NAME) -> ExchangeService:
    """A service of so many mailboxes."""
    take_over(account, lines(number), name)
    return ExchangeService.get(ExchangeService.name == name)


def account_of(owned: ExchangeService, number: int) -> ExchangeAccount:
    """The mailbox of person ``number``."""
    address = f"p{number:02d}@{DOMAIN}"
    return ExchangeAccount.get(ExchangeAccount.service == owned, ExchangeAccount.address == address)
