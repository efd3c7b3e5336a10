"""A public name has one home, and a test knows the address."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import Any

import pytest

import rtcore
from tests.architecture.imports import PACKAGE

STUB = ast.parse((PACKAGE / "_core.pyi").read_text())


def public_names() -> list[str]:
    """What `import rtcore` offers, without modules."""
    return [
        n for n in dir(rtcore) if not n.startswith("_") and not isinstance(getattr(rtcore, n), ModuleType)
    ]


@pytest.mark.parametrize("name", public_names())
def test_a_public_name_has_a_home_and_a_description(name: str) -> None:
    thing = getattr(rtcore, name)
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        return  # a constant or a type alias: its description stands beside it
    assert thing.__module__ == "rtcore", "tracebacks and pickles show the name that people import"
    assert inspect.getdoc(thing)


@pytest.mark.parametrize("name", public_names())
def test_public_methods_are_described(name: str) -> None:
    thing = getattr(rtcore, name)
    if not inspect.isclass(thing):
        return
    bare = [
        each
        for each, value in vars(thing).items()
        if not each.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, (property, classmethod, staticmethod)))
        and not inspect.getdoc(getattr(thing, each))
    ]
    assert not bare


def test_all_is_sorted_and_complete() -> None:
    assert list(rtcore.__all__) == sorted(rtcore.__all__)
    assert set(rtcore.__all__) - {"__version__"} == set(public_names())


# The stub is what people and type checkers read; the built module is what runs.


def core() -> Any:
    """The built module. Tests may look at it; the package has one door to it."""
    from rtcore import _core

    return _core


def declared() -> dict[str, ast.stmt]:
    """The names that the stub declares."""
    names: dict[str, ast.stmt] = {}
    for node in STUB.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = node
    return names


def test_the_stub_has_the_names_of_the_module() -> None:
    built = {name for name in dir(core()) if not name.startswith("__")}
    assert built == set(declared())


def test_the_stub_has_the_numbers_of_the_module() -> None:
    for name, node in declared().items():
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant):
            assert getattr(core(), name) == node.value.value, name


def parameters(node: ast.FunctionDef) -> list[tuple[str, bool, str]]:
    """Name, whether by keyword only, and default of each parameter in the stub, without `self`."""
    given = node.args
    plain = given.posonlyargs + given.args
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    found = [
        (arg.arg, False, ast.unparse(default) if default else "")
        for arg, default in zip(plain, defaults, strict=True)
    ]
    for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        found.append((arg.arg, True, ast.unparse(default) if default else ""))
    return [each for each in found if each[0] != "self"]


def built_parameters(thing: Any) -> list[tuple[str, bool, str]]:
    """The same of a built function."""
    found = []
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.name != "self":
            default = "" if parameter.default is parameter.empty else repr(parameter.default)
            default = "..." if parameter.default is ... else default  # what has no literal
            found.append((parameter.name, parameter.kind is parameter.KEYWORD_ONLY, default))
    return found


def methods() -> list[ast.FunctionDef]:
    """The methods of `Core` in the stub."""
    node = declared()["Core"]
    assert isinstance(node, ast.ClassDef)
    return [each for each in node.body if isinstance(each, ast.FunctionDef)]


@pytest.mark.parametrize("node", methods(), ids=lambda node: node.name)
def test_the_stub_has_the_signatures_of_the_module(node: ast.FunctionDef) -> None:
    thing = core().Core if node.name == "__init__" else getattr(core().Core, node.name)
    assert built_parameters(thing) == parameters(node)


def test_the_module_has_no_method_that_the_stub_hides() -> None:
    built = {name for name in vars(core().Core) if not name.startswith("_")}
    assert built == {node.name for node in methods()} - {"__init__"}
