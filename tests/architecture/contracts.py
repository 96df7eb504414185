"""Two import contracts that import-linter does not bring: `reaches_no_deed` and `loads_nothing_of`.

import-linter loads them by the name given in pyproject.toml (`contract_types`), so `lint-imports` run by hand, by
`make lint` and by the tests judges the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules

if TYPE_CHECKING:
    from grimp import ImportGraph


class ReachesNoDeed(Contract):
    """A section's proof leads to no deed of any section: a check that asks the keeper proves nothing.

    sections: the packages whose modules are deeds unless they are said to be something else.
    proofs:   module names within a section that hold its checks ("checks": checks.py, or everything in checks/).
    eyes:     modules that only observe: a bare name holds in every section, a dotted one stands for itself.
              What lies below an eye or a proof that is a package is an eye or a proof too.

    Imports inside functions count, and so does what is reached through others, foundation and eyes included.
    """

    type_name = "reaches_no_deed"

    sections = fields.ListField(subfield=fields.StringField())
    proofs = fields.ListField(subfield=fields.StringField())
    eyes = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        present = [section for section in self.sections if section in graph.modules]
        rooms = {section: {section, *graph.find_descendants(section)} for section in present}
        for section, modules in rooms.items():
            for module in modules - {section}:
                # Importing a module runs the __init__ of its section first; grimp draws no such arrow.
                graph.add_import(importer=module, imported=section)
        proofs: set[str] = set()
        deeds: set[str] = set()
        for section, modules in rooms.items():
            own = {module for module in modules if self._is_one_of(module, section, self.proofs)}
            seen = {module for module in modules if self._is_one_of(module, section, self.eyes)}
            proofs |= own
            deeds |= modules - own - seen - {section}
        chains: list[tuple[str, ...]] = []
        for proof in sorted(proofs):
            for deed in sorted(graph.find_upstream_modules(proof) & deeds):
                chain = graph.find_shortest_chain(importer=proof, imported=deed)
                # One deed leads to the next: only the first on each way is news.
                if chain and not set(chain[1:-1]) & deeds:
                    chains.append(chain)
        return ContractCheck(kept=not chains, metadata={"chains": chains})

    @staticmethod
    def _is_one_of(module: str, section: str, names: Iterable[str]) -> bool:
        for name in names:
            full = name if "." in name else f"{section}.{name}"
            if module == full or module.startswith(full + "."):
                return True
        return False

    def render_broken_contract(self, check: ContractCheck) -> None:
        for chain in check.metadata["chains"]:
            output.print_error(f"{chain[0]} reaches the deed {chain[-1]}: " + " -> ".join(chain), bold=False)
        output.new_line()
        output.print("A check may lead to tables and eyes of its section and those below, to foundation and to policy.")
        output.print("A module that only observes is named under `eyes` in pyproject.toml.")


class LoadsNothingOf(Contract):
    """Importing these modules loads none of those packages, however many modules lie between.

    source_modules:     module expressions; not as packages: `troth.application` is that one module.
    forbidden_packages: names of top-level packages outside.

    Only imports that run at import time count: not those inside functions, not those under `if TYPE_CHECKING:`.
    The `__init__` modules of the packages on the way count, as they do at run time.
    """

    type_name = "loads_nothing_of"

    source_modules = fields.SetField(subfield=fields.ModuleExpressionField())
    forbidden_packages = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        roots = tuple(self.session_options["root_packages"])
        own = {name for name in graph.modules if name.split(".", 1)[0] in roots}
        for module in own:
            early = set(_lines_run_at_import(_source_of(module)))
            for imported in graph.find_modules_directly_imported_by(module):
                details = graph.get_import_details(importer=module, imported=imported)
                if not any(one["line_number"] in early for one in details):
                    graph.remove_import(importer=module, imported=imported)
        for module in own:
            parent = module.rpartition(".")[0]
            if parent in own:
                graph.add_import(importer=module, imported=parent)
        sources = {module.name for module in module_expressions_to_modules(graph, self.source_modules)} & own
        chains = [
            chain
            for source in sorted(sources)
            for package in self.forbidden_packages
            if package in graph.modules and (chain := graph.find_shortest_chain(importer=source, imported=package))
        ]
        return ContractCheck(kept=not chains, metadata={"chains": chains})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for chain in check.metadata["chains"]:
            output.print_error(f"importing {chain[0]} loads {chain[-1]}: " + " -> ".join(chain), bold=False)
        output.new_line()
        output.print("Move one import on the way into the function that needs it.")


def _source_of(module: str) -> Path:
    """The file of `module`, found from its top package without importing anything below it."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        message = f"{top} is not a package on the path"
        raise ValueError(message)
    path = Path(next(iter(spec.submodule_search_locations))).joinpath(*rest)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _lines_run_at_import(source: Path) -> Iterator[int]:
    """The lines of the import statements in `source` that run when it is imported."""
    if not source.exists():  # a folder without __init__.py
        return
    waiting: list[Any] = [ast.parse(source.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting.extend(node.orelse)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node.lineno
        else:
            waiting.extend(ast.iter_child_nodes(node))
