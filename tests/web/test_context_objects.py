"""Attributes of `request` and its like are looked for where they are."""

from __future__ import annotations

from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, Request, current_app, g, request
from werkzeug.local import LocalProxy, _ProxyLookup


class Thing(SimpleNamespace):
    """An object with attributes and items, which are the same."""

    def __contains__(self, name: str) -> bool:
        return name in vars(self)

    def __getitem__(self, name: str) -> Any:
        return vars(self)[name]


@pytest.fixture
def thing() -> SimpleNamespace:
    """What `proxy` stands for."""
    return Thing(colour="blue")


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


def test_nothing_is_looked_for_at_the_proxy(
    app: Flask, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: Any) -> None:
        raise AssertionError("the proxy was asked")

    monkeypatch.setattr(_ProxyLookup, "__get__", asked)

    assert proxy.colour == "blue"
    proxy.colour = "red"
    assert "colour" in proxy
    assert proxy["colour"] == "red"


def test_a_proxy_sets_and_deletes_attributes_of_its_object(
    app: Flask, proxy: Any, thing: SimpleNamespace
) -> None:
    proxy.size = 7
    del proxy.colour

    assert vars(thing) == {"size": 7}


def test_an_attribute_that_is_not_there_is_missed_at_the_object(app: Flask, proxy: Any) -> None:
    assert not hasattr(proxy, "size")
    with pytest.raises(AttributeError, match=r"'Thing' object .* 'size'"):
        _ = proxy.size


def test_a_proxy_without_an_object_says_so(app: Flask, unbound: Any) -> None:
    with pytest.raises(RuntimeError, match="no context here"):
        _ = unbound.colour
    with pytest.raises(RuntimeError, match="no context here"):
        unbound.colour = "red"
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
