"""What a dotted path of the assistant file names, looked up without importing it: a check must not run other people's code."""

import ast
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path


def missing(target: str) -> str:
    """Why `module:attribute` names nothing, "" where it does as far as can be seen from outside."""
    module, _, attribute = target.partition(":")
    if not module or not attribute:
        return f"{target!r} is no path: write module:attribute"
    spec = _find(module)
    if spec is None:
        return f"no module {module}"
    if spec.origin and spec.origin.endswith(".py") and not _holds(Path(spec.origin), attribute.partition(".")[0]):
        return f"module {module} has no {attribute}"
    return ""


def _find(module: str) -> ModuleSpec | None:
    sys.path.insert(0, os.getcwd())
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    finally:
        sys.path.pop(0)


def _holds(file: Path, name: str) -> bool:
    """Whether a module's own text makes the name anywhere at its top, or may make any name."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:
        return False
    made = {"*", "__getattr__"} & set(_made(tree))
    return bool(made) or name in _made(tree)


def _made(tree: ast.Module) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=made) | ast.AsyncFunctionDef(name=made) | ast.ClassDef(name=made):
                names.append(made)
            case ast.Import(names=found) | ast.ImportFrom(names=found):
                names += [alias.asname or alias.name.partition(".")[0] for alias in found]
            case ast.Name(id=made, ctx=ast.Store()):
                names.append(made)
    return names
