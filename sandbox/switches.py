"""Switches that inject delays and faults into the bank, the provider and the VAT register.

All are off in a new sandbox, stored in its database, and switched off together by `reset`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox import key_value
from sandbox.languages import N_
from sandbox.reading import read_integer, read_seconds

COUNT, SECONDS, FLAG, TEXT, CHOICE = "count", "seconds", "flag", "text", "choice"


class SwitchError(ValueError):
    """The switch does not exist, or the value is not valid for it."""


@dataclass(frozen=True)
class Switch:
    """A switch: the kind of its values, the value that means off, and its label."""

    name: str
    kind: str
    off: Any
    label: str
    choices: tuple[str, ...] = ()

    def read(self, value: Any) -> Any:
        """Convert ``value``, from JSON or from a form, to this switch's kind.

        Raises `SwitchError` if it is not valid.
        """
        if value is None or value == "":
            return self.off
        try:
            return _READERS[self.kind](self, value)
        except (TypeError, ValueError):
            raise SwitchError(f"{self.name}: {value!r} is not a {self.kind}") from None


def _count(switch: Switch, value: Any) -> int:
    if isinstance(value, (bool, float)):
        raise ValueError
    if str(value) == "-1":
        return -1
    number = read_integer(str(value), high=1_000_000)
    if number is None:
        raise ValueError
    return number


def _seconds(switch: Switch, value: Any) -> float:
    return read_seconds(value, 86400 * 366)


def _flag(switch: Switch, value: Any) -> bool:
    if str(value).lower() not in {"true", "false", "1", "0", "on", "off"}:
        raise ValueError
    return str(value).lower() in {"true", "1", "on"}


def _text(switch: Switch, value: Any) -> str:
    return str(value).strip()[:200]


def _choice(switch: Switch, value: Any) -> str:
    if value not in switch.choices:
        raise ValueError
    return str(value)


_READERS = {COUNT: _count, SECONDS: _seconds, FLAG: _flag, TEXT: _text, CHOICE: _choice}

BANK = (
    Switch("bank_failing_calls", COUNT, 0, N_("Next calls that fail (-1: all)")),
    Switch(
        "bank_refuses_shop", FLAG, False, N_("Refuse every call: the shop’s account is blocked")
    ),
    Switch("bank_lost_answers", COUNT, 0, N_("Next calls done whose answer is lost (-1: all)")),
    Switch("bank_response_delay", SECONDS, 0, N_("Seconds until a call is answered")),
    Switch("bank_outcome_delay", SECONDS, 0, N_("Seconds until a card’s outcome is known")),
    Switch("bank_card_country", TEXT, "FR", N_("Country of the cards (two letters)")),
    Switch("refund_delay", SECONDS, 0, N_("Seconds until a refund is done (sandbox’s clock)")),
    Switch("refunds_failing", COUNT, 0, N_("Next refunds that fail (-1: all)")),
    Switch("payouts_failing", COUNT, 0, N_("Next payouts that fail (-1: all)")),
    Switch("notifications_doubled", FLAG, False, N_("Send every notification twice")),
    Switch("notifications_withheld", FLAG, False, N_("Hold notifications back until released")),
    Switch(
        "notification_timing",
        CHOICE,
        "any",
        N_("Notification comes before or after the customer"),
        ("any", "before", "after"),
    ),
)

PROVIDER = (
    Switch("provider_failing_calls", COUNT, 0, N_("Next calls that fail (-1: all)")),
    Switch("provider_lost_answers", COUNT, 0, N_("Next calls done whose answer is lost (-1: all)")),
    Switch("provider_response_delay", SECONDS, 0, N_("Seconds until a call is answered")),
    Switch(
        "provider_latency",
        SECONDS,
        None,
        N_("Seconds until an operation is done (empty: as configured)"),
    ),
    Switch("provider_refusals", COUNT, 0, N_("Next operations that fail for good (-1: all)")),
    Switch("provider_refusal_reason", TEXT, "", N_("Reason given for those")),
    Switch("provider_refused_offer", TEXT, "", N_("Offer whose new groups fail for good")),
)

REGISTER = (
    Switch("vat_name", TEXT, "", N_("Company that the register names (empty: it names none)")),
    Switch(
        "vat_answer",
        CHOICE,
        "confirmed",
        N_("What the register says of VAT numbers"),
        ("confirmed", "unknown", "unavailable"),
    ),
)

SWITCHES = {switch.name: switch for switch in BANK + PROVIDER + REGISTER}


def value(name: str) -> Any:
    """Return the value of the switch ``name``."""
    return key_value.get_value(f"switch.{name}", SWITCHES[name].off)


def consume(name: str) -> bool:
    """Use one unit of a counted switch; return whether one was left."""
    return key_value.decrement(f"switch.{name}")


def all_values() -> dict[str, Any]:
    """Return the values of all switches."""
    return {name: value(name) for name in SWITCHES}


def set_values(wanted: dict[str, Any]) -> None:
    """Set several switches, all or none.

    Raises `SwitchError` for an unknown name or an invalid value.
    """
    unknown = wanted.keys() - SWITCHES.keys()
    if unknown:
        raise SwitchError(f"no such switch: {', '.join(sorted(unknown))}")
    values = {name: SWITCHES[name].read(given) for name, given in wanted.items()}
    for name, setting in values.items():
        key_value.set_value(f"switch.{name}", setting)


def reset() -> None:
    """Switch everything off."""
    key_value.delete_prefix("switch.")
