"""Macros whose output is kept: it depends on their arguments alone, and is what they write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from jinja2 import Environment, meta, nodes
from markupsafe import Markup

from models import Language
from web.page_templates import KEPT

SAME_FOR_ALL = {"url_for", "asset", "has_asset", "_"}
"""What a macro may use besides its arguments: in one language it is the same for everybody."""


def parsed(app: Flask) -> Iterator[tuple[str, nodes.Template]]:
    for name in app.jinja_env.list_templates():
        source, _, _ = app.jinja_env.loader.get_source(app.jinja_env, name)
        yield name, app.jinja_env.parse(source)


def kept_of(template: nodes.Template) -> set[str]:
    """Return the macros that a template names as kept."""
    return {
        name.value
        for assigned in template.find_all(nodes.Assign)
        if isinstance(assigned.target, nodes.Name) and assigned.target.name == KEPT
        for name in assigned.node.items
    }


def names_used(app: Flask, macro: nodes.Macro) -> set[str]:
    """Return the names that a macro uses and does not set itself."""
    alone = nodes.Template([macro], lineno=1)
    return meta.find_undeclared_variables(alone.set_environment(app.jinja_env))


def environment(app: Flask) -> Environment:
    return app.jinja_env.in_language(Language.FRENCH)


@pytest.mark.one_database
def test_they_use_nothing_but_their_arguments(app: Flask) -> None:
    templates = dict(parsed(app))
    kept = {name: kept_of(template) for name, template in templates.items()}
    assert {name for name, macros in kept.items() if macros} >= {
        "components/frame.html", "components/page.html", "manager/frame.html",
    }  # fmt: skip
    for name, template in templates.items():
        macros = {macro.name: macro for macro in template.find_all(nodes.Macro)}
        assert kept[name] <= macros.keys(), name
        allowed = SAME_FOR_ALL | {
            given if isinstance(given, str) else given[1]
            for imported in template.find_all(nodes.FromImport)
            for given in imported.names
            if (given if isinstance(given, str) else given[0])
            in kept.get(imported.template.value, ())
        }
        reached, waiting = set[str](), set(kept[name])
        while waiting:
            macro = waiting.pop()
            reached.add(macro)
            used = names_used(app, macros[macro])
            waiting |= (used & macros.keys()) - reached
            assert used - allowed <= macros.keys(), f"{name}: {macro}"
            assert "caller" not in {each.name for each in macros[macro].find_all(nodes.Name)}


@pytest.mark.usefixtures("app")
def test_a_kept_output_is_written_once_and_equal_texts_are_not_mixed_up(app: Flask) -> None:
    template = environment(app).from_string(
        '{% from "components/data.html" import badge %}{{ badge(given) }}'
    )
    with app.test_request_context("/"):
        for _ in range(2):
            assert "<b>a</b>" in template.render(given=Markup("<b>a</b>"))
            assert "&lt;b&gt;a&lt;/b&gt;" in template.render(given="<b>a</b>")
        kept = environment(app).get_template("components/data.html").module.badge._func
        before = kept.cache_info().hits
        template.render(given="<b>a</b>")
        assert kept.cache_info().hits == before + 1


@pytest.mark.usefixtures("app")
def test_the_menu_of_one_customer_is_not_that_of_another(app: Flask) -> None:
    template = environment(app).from_string(
        '{% from "manager/frame.html" import side_menu %}'
        '{{ side_menu("manager.group", name, (), groups, 5) }}'
    )
    mine, others = (("group-1", "Mine"),), (("group-2", "Theirs"),)
    with app.test_request_context("/"):
        first = template.render(name="group-1", groups=mine)
        second = template.render(name="group-1", groups=others)
    assert ("Mine" in first, "Theirs" in first) == (True, False)
    assert ("Mine" in second, "Theirs" in second) == (False, True)
    assert first.count('aria-current="page"') == 1
    assert "aria-current" not in second
