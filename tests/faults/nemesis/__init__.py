"""Every fault that the suite can inject: each module of this package is a family and exports `FAULTS`."""

import importlib
import pkgutil

from faults.fault import Fault


def _all() -> tuple[Fault, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(fault for module in modules for fault in getattr(module, "FAULTS", ()))


ALL: tuple[Fault, ...] = _all()
