"""Attributes of `request` and its like are looked for where they are."""

from __future__ import annotations

from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, Request, current_app, g, request
from werkzeug.local import LocalProxy, _ProxyLookup


@pytest.fixture
def thing() -> SimpleNamespace:
    """What `proxy` stands for."""
    return SimpleNamespace(colour="blue")


@pytest.fixture
def proxy(thing: SimpleNamespace) -> Any:
    """A proxy like those of Flask."""
    variable = ContextVar[SimpleNamespace]("thing")
    variable.set(thing)
    return LocalProxy(variable)


@pytest.fixture
def unbound() -> Any:
    """A proxy outside of its context."""
    return LocalProxy(ContextVar("nothing"), unbound_message="no context here")


def test_an_attribute_is_not_looked_for_at_the_proxy(
    app: Flask, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: Any) -> None:
        raise AssertionError("the proxy was asked")

    monkeypatch.setattr(_ProxyLookup, "__get__", asked)

    assert proxy.colour == "blue"


def test_a_proxy_sets_and_deletes_attributes_of_its_object(
    app: Flask, proxy: Any, thing: SimpleNamespace
) -> None:
    proxy.size = 7
    del proxy.colour

    assert vars(thing) == {"size": 7}


def test_an_attribute_that_is_not_there_is_missed_at_the_object(app: Flask, proxy: Any) -> None:
    assert not hasattr(proxy, "size")
    with pytest.raises(AttributeError, match=r"'types\.SimpleNamespace' object .* 'size'"):
        _ = proxy.size


def test_a_proxy_without_an_object_says_so(app: Flask, unbound: Any) -> None:
    with pytest.raises(RuntimeError, match="no context here"):
        _ = unbound.colour
    assert not unbound
    assert unbound.__class__ is LocalProxy


def test_a_proxy_keeps_what_is_its_own(app: Flask, proxy: Any, thing: SimpleNamespace) -> None:
    assert proxy._get_current_object() is thing
    assert isinstance(proxy, SimpleNamespace)
    assert proxy == thing


def test_flask_finds_what_it_asks_for(app: Flask) -> None:
    with app.test_request_context("/fr/order?basket=x"):
        g.seen = 1

        assert isinstance(request, Request)
        assert (request.path, request.args["basket"]) == ("/fr/order", "x")
        assert current_app._get_current_object() is app
        assert g.seen == 1
