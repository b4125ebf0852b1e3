"""Amounts to the cent: rounding, lines, totals, shares of a month."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop import vat
from shop.errors import Refusal
from shop.pricing import money
from shop.pricing.money import Line, Share, totals
from shop.vat import Kind, VatTreatment

cents = st.integers(0, 10**7)
quantities = st.integers(0, 1000)
rates = st.integers(0, 2700)


def taxed(rate: int) -> VatTreatment:
    return VatTreatment(Kind.DOMESTIC, "FR", rate)


@st.composite
def lines(draw):
    period = draw(st.integers(28, 31))
    share = draw(st.none() | st.integers(0, period).map(lambda days: Share(days, period)))
    return Line("business", "Office 365 Business", draw(quantities), draw(cents), share)


@pytest.mark.parametrize(
    ("net", "rate", "expected"),
    [
        (880, 2000, 176),
        (1290, 2000, 258),
        (2170, 2000, 434),
        (3, 2000, 1),  # 0.6
        (2, 2000, 0),  # 0.4
        (10, 850, 1),  # 0.85
        (100, 850, 9),  # 8.5, a half: up
        (880, 850, 75),  # 74.8
        (880, 2550, 224),  # 224.4
        (1290, 2550, 329),  # 328.95
        (0, 2000, 0),
        (880, 0, 0),
    ],
)
def test_vat_is_rounded_half_up(net, rate, expected):
    assert money.vat_on(net, rate) == expected


@given(st.integers(0, 10**12), st.integers(1, 10**6))
def test_rounding_agrees_with_decimal_arithmetic(numerator, denominator):
    exact = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    assert money.round_half_up(numerator, denominator) == exact


@given(st.lists(lines(), max_size=6), rates)
def test_net_and_vat_make_the_total(content, rate):
    made = totals(content, taxed(rate))
    assert made.net_cents == sum(line.net_cents for line in content)
    assert made.net_cents + made.vat_cents == made.total_cents
    assert min(made.net_cents, made.vat_cents) >= 0
    assert abs(made.vat_cents * 10_000 - made.net_cents * rate) <= 5_000


@given(st.lists(lines(), max_size=6), rates, st.randoms())
def test_the_order_of_lines_changes_nothing(content, rate, random):
    shuffled = list(content)
    random.shuffle(shuffled)
    assert totals(shuffled, taxed(rate)) == totals(content, taxed(rate))


@given(st.lists(lines(), max_size=4), lines(), rates)
def test_more_never_costs_less(content, added, rate):
    before, after = totals(content, taxed(rate)), totals([*content, added], taxed(rate))
    assert after.net_cents >= before.net_cents
    assert after.vat_cents >= before.vat_cents


@given(quantities, cents, rates, rates)
def test_a_higher_rate_never_costs_less(quantity, price, one, other):
    line = Line("business", "", quantity, price)
    low, high = sorted((one, other))
    assert totals([line], taxed(low)).total_cents <= totals([line], taxed(high)).total_cents


@given(
    quantities,
    cents,
    st.integers(28, 31).flatmap(lambda of: st.tuples(st.integers(0, of - 1), st.just(of))),
)
def test_a_day_more_never_costs_less_and_the_whole_month_costs_the_price(quantity, price, period):
    days, of = period

    def cost(charged):
        return Line("business", "", quantity, price, Share(charged, of)).net_cents

    assert cost(0) == 0
    assert cost(days) <= cost(days + 1)
    assert cost(of) == quantity * price


@pytest.mark.parametrize(
    ("quantity", "price", "days", "of", "expected"),
    [
        (1, 880, 15, 30, 440),
        (1, 880, 1, 30, 29),  # 29.33
        (1, 880, 10, 31, 284),  # 283.87
        (3, 1290, 7, 28, 968),  # 967.5, a half: up
        (100, 880, 1, 31, 2839),  # 2838.71: rounded once for the line, not a hundred times
        (2, 1290, 0, 31, 0),
    ],
)
def test_a_share_of_the_month_is_rounded_once_for_the_line(quantity, price, days, of, expected):
    assert Line("pro_plus", "", quantity, price, Share(days, of)).net_cents == expected


def test_vat_is_reckoned_on_the_sum_and_not_by_line():
    """BR-CO-17: three lines of 0.03 at 20 % owe 0.02 of VAT; by line it would be 0.03."""
    made = totals([Line("business", "", 1, 3)] * 3, taxed(2000))
    assert made.vat_cents == 2


def test_an_order_as_customers_know_it():
    made = totals(
        [Line("business", "Office 365 Business", 3, 880),
         Line("pro_plus", "Office 365 Pro Plus", 2, 1290)],
        vat.french_estimate(),
    )  # fmt: skip
    assert (made.net_cents, made.vat_cents, made.total_cents) == (5220, 1044, 6264)
    assert made.vat_rate == 2000


def test_an_absurd_order_is_refused_with_a_sentence():
    with pytest.raises(Refusal, match="too large"):
        totals([Line("pro_plus", "", 10**9, 1290)], vat.french_estimate())


@pytest.mark.parametrize(("quantity", "price"), [(-1, 880), (1, -880)])
def test_nothing_negative_is_ever_priced(quantity, price):
    with pytest.raises(ValueError, match="not negative"):
        Line("business", "", quantity, price)


@pytest.mark.parametrize(("days", "of"), [(-1, 30), (31, 30), (0, 0)])
def test_a_share_lies_within_its_period(days, of):
    with pytest.raises(ValueError, match="no share"):
        Share(days, of)
