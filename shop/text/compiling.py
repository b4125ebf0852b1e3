"""How templates become Python: as Jinja does it, with less to do for each page.

A page calls some seventy macros and writes some hundred texts that never change. Jinja finds out
at each call how the macro wants to be called, and marks each text as safe again.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import partial
from keyword import iskeyword
from typing import Any

from jinja2 import Environment, Template, nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.environment import TemplateModule
from jinja2.idtracking import VAR_LOAD_RESOLVE
from jinja2.runtime import Context
from markupsafe import (  # type: ignore[attr-defined]
    Markup,
    _escape_inner,  # `escape` of a text, which is not marked as safe
    escape,
)

CALLER = "caller"


def written(value: Any) -> str:
    """Return what a template writes of a value: most are texts, or outputs that are safe already.

    It is joined with the rest of the page, so nothing needs to know that it is safe now.
    """
    kind = type(value)
    if kind is str:
        return _escape_inner(value)
    return value if kind is Markup else escape(value)


_marked = partial(str.__new__, Markup)
"""Marks a text as safe: `Markup` looks first whether it is an object that writes HTML itself."""


class DirectTemplate(Template):
    """A template that escapes what it writes by `written`; its globals are its environment's."""

    @classmethod
    def _from_namespace(
        cls,
        environment: Environment,
        namespace: MutableMapping[str, Any],
        globals: MutableMapping[str, Any],
    ) -> Template:
        # By these names Jinja's code knows them.
        namespace.update(escape=written, Markup=_marked)
        return super()._from_namespace(environment, namespace, globals)

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        # Jinja looks at each import for globals that only the importing template has.
        return super()._get_default_module()


class DirectCode(CodeGenerator):
    """Calls macros as the functions they are, and makes safe texts once for each template.

    A macro names all its parameters: none takes whatever keywords it is given.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._macros: set[str] = set()
        self._modules: set[str] = set()
        self._constants: dict[str, str] = {}

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        """Write a template's module, and behind it the constants that its functions use."""
        self._macros = _macros_of(node)
        self._modules = {imported.target for imported in node.find_all(nodes.Import)}
        super().visit_Template(node, frame)
        for source, name in self._constants.items():
            self.writeline(f"{name} = {source}")

    # --- Macros ----------------------------------------------------------------------------------

    def macro_body(
        self, node: nodes.Macro | nodes.CallBlock, frame: Frame
    ) -> tuple[Frame, MacroRef]:
        """Write a macro's function, which may be called without what has a default."""
        inner, macro = super().macro_body(node, frame)
        if macro.accesses_kwargs or macro.accesses_varargs:
            self.fail("A macro names all its parameters.", node.lineno)
        absent = "missing, " * len(node.args)
        if macro.accesses_caller and all(each.name != CALLER for each in node.args):
            absent += f'undefined("No caller defined", name="{CALLER}"), '
        if absent:
            self.writeline(f"macro.__defaults__ = ({absent})")
        return inner, macro

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
        """Write the macro of a function; the content of a call block is its function."""
        if isinstance(macro_ref.node, nodes.CallBlock):
            self.write("macro")
        else:
            super().macro_def(macro_ref, frame)

    def return_buffer_contents(self, frame: Frame, force_unescaped: bool = False) -> None:
        """Write the end of a function: what it returns is safe where texts are escaped."""
        super().return_buffer_contents(frame)

    def visit_Call(  # noqa: N802
        self, node: nodes.Call, frame: Frame, forward_caller: bool = False
    ) -> None:
        """Write a call; where it is known what is called, Jinja is not asked in between."""
        if self._calls_macro(node, frame):
            self.visit(node.node, frame)
            self.write("._func(")
            self._write_arguments(node, frame, "l_1_")
            self.write(f"l_1_{CALLER}={CALLER})" if forward_caller else ")")
        elif self._calls_function(node, frame):
            self.visit(node.node, frame)
            self.write("(")
            self._write_arguments(node, frame)
            self.write(")")
        else:
            super().visit_Call(node, frame, forward_caller=forward_caller)

    def _write_arguments(self, node: nodes.Call, frame: Frame, prefix: str = "") -> None:
        for argument in node.args:
            self.visit(argument, frame)
            self.write(", ")
        if node.dyn_args is not None:
            self.write("*")
            self.visit(node.dyn_args, frame)
            self.write(", ")
        for named in node.kwargs:
            self.write(f"{prefix}{named.key}=")
            self.visit(named.value, frame)
            self.write(", ")

    def _calls_macro(self, node: nodes.Expr, frame: Frame) -> bool:
        """Return whether an expression calls a macro that this template defines or imports.

        Such a macro is in no other block, so that Jinja names its parameters ``l_1_...``.
        """
        name, module = _name_called(node), _module_called(node)
        is_known = name in self._macros or module in self._modules
        return is_known and frame.symbols.find_ref(name or module) == f"l_0_{name or module}"

    def _calls_function(self, node: nodes.Call, frame: Frame) -> bool:
        """Return whether an expression calls a call block, or a global that needs no context."""
        name = _name_called(node)
        if name == CALLER:
            return True
        load = frame.symbols.find_load(frame.symbols.ref(name)) if name else None
        if name not in self.environment.globals or load is None or load[0] != VAR_LOAD_RESOLVE:
            return False
        named = {each.key for each in node.kwargs}
        is_plain = not hasattr(self.environment.globals[name], "jinja_pass_arg")
        return is_plain and not any(map(iskeyword, named))

    # --- What is written -------------------------------------------------------------------------

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:  # noqa: N802
        """Write an output, of which the constants are escaped here."""
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile:
            node.nodes = [_escaped(each) for each in node.nodes]
        super().visit_Output(node, frame)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if self._is_safe(node, frame):
            self.write("(")
        else:
            super()._output_child_pre(node, frame, finalize)

    def _is_safe(self, node: nodes.Expr | None, frame: Frame) -> bool:
        """Return whether an expression's value needs no escaping."""
        if isinstance(node, nodes.CondExpr):
            return self._is_safe(node.expr1, frame) and self._is_safe(node.expr2, frame)
        if isinstance(node, nodes.Const):
            return isinstance(node.value, Markup)
        is_marked = isinstance(node, nodes.MarkSafe)
        return is_marked or (node is not None and self._calls_macro(node, frame))

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:  # noqa: N802
        """Write a constant."""
        self.write(self._source(node.as_const(frame.eval_ctx)))

    def _source(self, value: Any) -> str:
        """Return the source of a constant; a safe text has a name, under which it is made once."""
        if isinstance(value, Markup):
            return self._constants.setdefault(repr(value), f"constant_{len(self._constants)}")
        if isinstance(value, tuple):
            return f"({''.join(f'{self._source(each)}, ' for each in value)})"
        if isinstance(value, list):
            return f"[{', '.join(map(self._source, value))}]"
        if isinstance(value, dict):
            pairs = ((self._source(key), self._source(each)) for key, each in value.items())
            return f"{{{', '.join(f'{key}: {each}' for key, each in pairs)}}}"
        return repr(value)


def _macros_of(template: nodes.Template) -> set[str]:
    """Return the names by which a template calls macros, its own and imported ones."""
    bodies = [template.body, *(block.body for block in template.find_all(nodes.Block))]
    own = {node.name for body in bodies for node in body if isinstance(node, nodes.Macro)}
    imported = {
        name if isinstance(name, str) else name[1]
        for found in template.find_all(nodes.FromImport)
        for name in found.names
    }
    return own | imported


def _name_called(node: nodes.Expr) -> str:
    """Return the name that an expression calls; "" if it is no such call."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        return "" if node.dyn_kwargs is not None else node.node.name
    return ""


def _module_called(node: nodes.Expr) -> str:
    """Return the name of which an expression calls an attribute; "" if it is no such call."""
    if not isinstance(node, nodes.Call) or not isinstance(node.node, nodes.Getattr):
        return ""
    module = node.node.node
    if isinstance(module, nodes.Name) and node.dyn_kwargs is None:
        return module.name
    return ""


def _escaped(node: nodes.Expr) -> nodes.Expr:
    """Return an expression to be written, with its constants escaped; no value is an empty one."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        return nodes.Const(escape(node.value), lineno=node.lineno)
    if isinstance(node, nodes.CondExpr):
        otherwise = node.expr2 or nodes.Const("", lineno=node.lineno)
        return nodes.CondExpr(
            node.test, _escaped(node.expr1), _escaped(otherwise), lineno=node.lineno
        )
    return node
