"""The rules of the house, as functions of a source tree: each returns the places where its rule is broken."""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

KERAS = {"keras", "tensorflow", "jax", "torch", "openvino"}
WITH_KERAS = ("core.network", "core.training")
PROCESSES = "core.tasks"  # load what is written in Keras, and only in functions
NOT_FOR_PAGES = (*WITH_KERAS, PROCESSES)
FREE = "core.words"  # for everybody, beside the modules that lie directly in `core`
HOME = "core.disk.home"
STARTERS = (  # may start processes, or end their own at once
    *("core.host", "core.worker", "core.queue", "core.training", "core.tasks", "core.cli", "core.__main__"),
    "core.data.pictures",
)
VAGUE = {"utils", "common", "helpers", "types", "misc", "lib"}
DECLARED = re.compile(r"^May import (.+)\.$", re.MULTILINE)
NOTHING = "nothing but the root"


@dataclass(frozen=True)
class Import:
    """One name that a module imports."""

    name: str  # a module, as far as it is one of the tree: "core.disk.home", "pages._shared"; else as written
    line: int
    is_at_top: bool  # carried out as soon as the module is imported


class House:
    """The modules below a root: `core`, `pages` and `app.py`, as their sources say."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths = {_dotted(path, root): path for path in [*_below(root / "core"), *_below(root / "pages")]}
        if (root / "app.py").is_file():
            self.paths["app"] = root / "app.py"

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self.paths.items()}

    @cached_property
    def imports(self) -> dict[str, list[Import]]:
        return {name: list(self._imports(name)) for name in self.paths}

    @cached_property
    def packages(self) -> dict[str, Path]:
        """Those of `core`, without itself."""
        return {name: path for name, path in self.paths.items() if name.startswith("core.") and _is_package(path)}

    def package(self, module: str) -> str:
        """The innermost package of a module: "core.data.zips" of "core.data.zips.archive"."""
        return module if module in self.packages or module == "core" else module.rpartition(".")[0]

    def _imports(self, module: str) -> Iterator[Import]:
        tree = self.trees[module]
        in_functions = {
            id(inner)
            for outer in ast.walk(tree)
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
            for inner in ast.walk(outer)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name in self._imported(node):
                    yield Import(name, node.lineno, id(node) not in in_functions)

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            submodule = f"{module}.{alias.name}"
            yield submodule if submodule in self.paths else module

    def _offences(self, is_offence: Callable[[str, Import], object]) -> list[str]:
        """ "core/disk/files.py:12 imports streamlit" for each import that offends."""
        return [
            f"{self.paths[module].relative_to(self.root)}:{found.line} imports {found.name}"
            for module, imports in self.imports.items()
            for found in imports
            if is_offence(module, found)
        ]

    def _allowed(self, package: str) -> set[str] | None:
        """What the package's own words let it import, as "core.disk"; None where they do not say."""
        said = DECLARED.findall(ast.get_docstring(self.trees[package]) or "")
        if len(said) != 1:
            return None
        return set() if said[0] == NOTHING else {f"core.{name}" for name in said[0].split(", ")}

    def silent_packages(self) -> list[str]:
        """Packages whose `__init__.py` does not say what they may import, names what is none, or has code."""
        found = []
        for name in self.packages:
            allowed = self._allowed(name)
            if allowed is None:
                found.append(f"{name} does not say what it may import")
            else:
                found += [f"{name} names {other}, which is no package" for other in allowed - {*self.packages}]
            if len(self.trees[name].body) != 1:
                found.append(f"{name} has code in its __init__.py")
        return found

    def forbidden_arrows(self) -> list[str]:
        """Imports of `core` in which a package goes beyond what it says; for annotations alone counts as well."""

        def is_offence(module: str, found: Import) -> bool:
            if not (module.startswith("core.") and found.name.startswith("core.")):
                return False
            source, target = self.package(module), self.package(found.name)
            if target == "core" or _is_below(target, FREE):
                return False
            if source == "core":  # what everybody may import must not lead anywhere; the command line leads everywhere
                return module != "core.__main__"
            if _is_below(target, source):
                return False
            return not any(_is_below(target, allowed) for allowed in self._allowed(source) or ())

        return self._offences(is_offence)

    def circles(self) -> list[str]:
        """A cycle of modules, imports in functions and for annotations included, or of packages by their words."""
        modules = {name: {found.name for found in self.imports[name]} & {*self.paths} - {name} for name in self.paths}
        packages = {name: self._allowed(name) or set() for name in self.packages}
        found = []
        for graph in (modules, packages):
            try:
                TopologicalSorter(graph).prepare()
            except CycleError as error:
                found.append(" → ".join(error.args[1]))
        return found

    def streamlit_in_core(self) -> list[str]:
        """Imports of `core` that need a browser's side."""
        return self._offences(lambda module, found: _is_core(module) and _top(found) in {"streamlit", "pages", "app"})

    def keras_outside(self) -> list[str]:
        """Keras and its kin anywhere but in the rooms written in it, or at the top of a process."""

        def is_offence(module: str, found: Import) -> bool:
            loads = _top(found) in KERAS or any(_is_below(found.name, room) for room in WITH_KERAS)
            if any(_is_below(module, room) for room in WITH_KERAS):
                return False
            return loads and (found.is_at_top or not _is_below(module, PROCESSES))

        return self._offences(is_offence)

    def strangers_in_pages(self) -> list[str]:
        """Pages that import another page, another page's parts, or a room that loads Keras."""

        def is_offence(module: str, found: Import) -> bool:
            if _is_core(module):
                return False
            if _top(found) in {"app", "tests", "scripts", "benchmarks"}:
                return True
            if any(_is_below(found.name, room) for room in NOT_FOR_PAGES):
                return True
            if not found.name.startswith("pages."):
                return False
            wing = found.name.split(".")[1]
            return wing not in {"_shared", _wing(module)}

        return self._offences(is_offence)

    def relative_imports(self) -> list[str]:
        return self._offences(lambda _, found: found.name.startswith("."))

    def twins(self) -> list[str]:
        """Public classes of one name in two modules of `core`."""
        places = defaultdict(list)
        for module, tree in self.trees.items():
            for node in tree.body:
                if _is_core(module) and isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(module)
        return [f"{name}: {', '.join(modules)}" for name, modules in places.items() if len(modules) > 1]

    def homes_elsewhere(self) -> list[str]:
        """`….home` of the settings outside the module that owns paths."""
        return self._uses(lambda node: ast.unparse(node) == "settings().home", besides=(HOME,))

    def processes_elsewhere(self) -> list[str]:
        """`subprocess` and `os._exit` outside the packages that start or are processes."""
        started = self._offences(
            lambda module, found: _top(found) == "subprocess" and not any(_is_below(module, one) for one in STARTERS)
        )
        return started + self._uses(lambda node: ast.unparse(node) == "os._exit", besides=STARTERS)

    def _uses(self, is_one: Callable[[ast.Attribute], bool], *, besides: tuple[str, ...]) -> list[str]:
        return [
            f"{self.paths[module].relative_to(self.root)}:{node.lineno} uses {ast.unparse(node)}"
            for module, tree in self.trees.items()
            if not any(_is_below(module, one) for one in besides)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and is_one(node)
        ]

    def vague_names(self) -> list[str]:
        """Modules and packages whose name says nothing."""
        names = [(module, part) for module in self.paths for part in module.split(".")]
        return sorted({module for module, part in names if part.strip("_") in VAGUE})


def _below(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _dotted(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _is_package(path: Path) -> bool:
    return path.stem == "__init__"


def _is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _is_core(module: str) -> bool:
    return _is_below(module, "core")


def _top(found: Import) -> str:
    return found.name.partition(".")[0]


def _wing(module: str) -> str:
    """The folder of a page's parts: "_train" of "pages.train" and of "pages._train.curves"."""
    page = module.split(".")[1] if module.startswith("pages.") else ""
    return page if page.startswith("_") else f"_{page}"
