"""Starts a service with one safeguard taken out: `python -m faults.mutants.launch MUTANT MODULE`."""

import importlib.machinery
import importlib.util
import runpy
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

from faults.mutants.catalogue import Mutant, find_mutant


class _MutantLoader(importlib.machinery.SourceFileLoader):
    """Loads the module's source with the replacement made."""

    mutant: Mutant

    def get_code(self, fullname: str) -> object:
        # Never from the cache of compiled files, and never into it: the next process must load the real one.
        return compile(mutated_source(self.mutant, self.get_data(self.path).decode()), self.path, "exec")


class _MutantFinder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        loader = _MutantLoader(fullname, spec.origin)
        loader.mutant = self._mutant
        return importlib.util.spec_from_file_location(fullname, spec.origin, loader=loader)


def mutated_source(mutant: Mutant, source: str) -> str:
    """Make the replacement.

    Raises:
        ValueError: the original doesn't occur exactly once: the safeguard was rewritten, so must be its mutant.
    """
    if source.count(mutant.original) != 1:
        found = source.count(mutant.original)
        raise ValueError(f"mutant {mutant.name}: its original occurs {found} times in {mutant.module}, not once")
    return source.replace(mutant.original, mutant.replacement)


def main(mutant_name: str, module: str) -> None:
    """Run `module` as `python -m` would, mutated."""
    sys.meta_path.insert(0, _MutantFinder(find_mutant(mutant_name)))
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
