"""Numba, used so that the same code gives the same bytes whatever vectors the processor has.

Left to the host, LLVM orders a vectorised sum by the width of its vectors and contracts a * b + c where it can: two
laptops would end 50,000 chaotic steps in different weights. Here nothing may be reordered or contracted: what is
compiled has the one IEEE meaning that its source spells out, with `fma` where a product and a sum are one, and LANES
interleaved partial sums where a sum is long. A processor that takes 16 lanes at once and one that takes 8 in two passes
come to the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic
from numpy.typing import NDArray

LANES = 16  # partial sums of every long sum; part of what decides the bytes

_AVX2 = ("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt")
_AVX512 = (*_AVX2, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
# name -> (what the host must have, LLVM's features, lanes of a vector)
_TARGETS = {
    "x86-64-v4": (_AVX512, (*_AVX512, "-prefer-256-bit"), 16),
    "x86-64-v3": (_AVX2, _AVX2, 8),
}


def _target() -> tuple[str, int]:
    """The instruction set to compile for and its lanes: the widest the host has, or what NUMBA_CPU_NAME says."""
    has = llvm.get_host_cpu_features() if llvm.get_process_triple().startswith("x86_64") else {}
    wanted = os.environ.get("NUMBA_CPU_NAME")
    for name, (needed, features, lanes) in _TARGETS.items():
        if wanted in (None, name) and all(has.get(feature, False) for feature in needed):
            numba.config.CPU_NAME = name
            numba.config.CPU_FEATURES = ",".join(f if f.startswith("-") else f"+{f}" for f in features)
            return name, lanes
    return llvm.get_host_cpu_name(), 4


INSTRUCTION_SET, VECTOR = _target()


def _kernels() -> Path | None:
    """The folder for machine code, named by all that it is made from: this package's code, numba and the processor.

    None where it cannot be written, as in a zipped package: then every process compiles for itself. Folders that no
    process has begun to use for a month go.
    """
    package = Path(__file__).parents[1]  # the family
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {INSTRUCTION_SET}".encode())
    for path in sorted(package.rglob("*.py")):
        if "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    folder = package / "__pycache__" / f"kernels-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        for old in folder.parent.glob("kernels-*"):
            if old.stat().st_mtime < time.time() - 30 * 24 * 3600:
                shutil.rmtree(old, ignore_errors=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


_KERNELS = _kernels()
numba.config.CACHE_DIR = str(_KERNELS or "")


def compiled(*, keep: bool = False) -> Any:
    """`numba.njit` as this project uses it: no GIL, C division, and IEEE arithmetic in the order of the source.

    `keep` is for functions that Python calls: later processes then find the machine code instead of making it. It is
    safe only where no other function has the module and name of this one, or of those that it calls.
    """
    return numba.njit(nogil=True, error_model="numpy", cache=keep and _KERNELS is not None)


class Functions(Protocol):
    """The compiled functions of a source text, by name."""

    def __getattr__(self, name: str) -> Callable[..., Any]: ...


def from_source(source: str, purpose: str, **names: Any) -> Functions:
    """Compile functions that were written out for one purpose, and keep the machine code for later processes.

    LLVM keeps named scalars in registers and vectorises the loops around them; arrays indexed by j < m it does not, so
    the text has each j by name. It may use `names` and what `scope` holds below, and marks its functions `@entry`
    (called from Python) or `@inner`. `purpose` has to say all that the values of `names` hang on: they are baked in.

    Each text is a module of its own. Its name is part of the symbols in its machine code: were it the same for two,
    code that was kept by two processes could get linked to the other's functions. Numba wants a file to keep code for.
    """
    text = f"# {purpose}\n{source}"
    name = f"kernel_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    path, keep = f"<{name}>", False
    if _KERNELS:
        with contextlib.suppress(OSError):  # a full disk: this process compiles for itself
            _write_once(_KERNELS / f"{name}.py", text)
            path, keep = str(_KERNELS / f"{name}.py"), True
    module = ModuleType(f"{__name__}.{name}")
    sys.modules[module.__name__] = module  # where numba looks for it when it loads what it has kept
    scope: dict[str, Any] = {
        "np": np,
        "fma": fma,
        "zero": np.float32(0),
        "one": np.float32(1),
        "float32": np.float32,
        "flush_subnormals": flush_subnormals,
        "restore_subnormals": restore_subnormals,
        "inner": compiled(),
        "entry": compiled(keep=keep),
    }
    vars(module).update(scope | names)
    exec(compile(text, path, "exec"), vars(module))
    return cast(Functions, module)


def _write_once(path: Path, text: str) -> None:
    """Write a file unless it is there: its time is part of what numba knows its machine code by."""
    if path.exists():
        return
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False) as file:
        file.write(text)
    os.utime(file.name, (0, 0))
    Path(file.name).replace(path)


@intrinsic
def fma(typing, x, y, z):
    """X * y + z rounded once, of three float32."""

    def generate(context, builder, signature, arguments):
        return builder.call(declare(builder, "llvm.fma.f32", ir.FloatType(), [ir.FloatType()] * 3), arguments)

    return numba.float32(numba.float32, numba.float32, numba.float32), generate


def aligned_zeros(count: int) -> NDArray[np.float32]:
    """(count,) zeros that start on a cache line: a vector of 16 lanes then never lies across two.

    It is a third of the speed of `pairs.py` at m = 8, where every pair loads and stores most.
    """
    line = 64
    raw = np.zeros(4 * count + line, dtype=np.uint8)
    first = -raw.ctypes.data % line
    return raw[first : first + 4 * count].view(np.float32)


@intrinsic
def flush_subnormals(typing):
    """Treat numbers below 1e-38 as 0 from here on, on this thread; gives the state for `restore_subnormals`.

    Where a gradient is exactly 0 Adam's first moment decays into the subnormals and, rounded, stays there. They
    change nothing (a step of 1e-45 / eps), and a processor takes some hundred cycles for each.
    """

    def generate(context, builder, signature, arguments):
        slot, pointer = _control_word(builder)
        if slot is None:
            return ir.Constant(ir.IntType(32), 0)
        builder.call(declare(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), [pointer.type]), [pointer])
        state = builder.load(slot)
        builder.store(builder.or_(state, ir.Constant(ir.IntType(32), 0x8040)), slot)  # flush to zero; inputs too
        builder.call(declare(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [pointer.type]), [pointer])
        return state

    return numba.uint32(), generate


@intrinsic
def restore_subnormals(typing, state):
    """Undo `flush_subnormals`."""

    def generate(context, builder, signature, arguments):
        slot, pointer = _control_word(builder)
        if slot is not None:
            builder.store(arguments[0], slot)
            builder.call(declare(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [pointer.type]), [pointer])
        return context.get_dummy_value()

    return numba.void(numba.uint32), generate


def _control_word(builder: Any) -> tuple[Any, Any]:
    """(stack slot, the same as a byte pointer) for the SSE control word; (None, None) on another architecture."""
    if not llvm.get_process_triple().startswith("x86_64"):
        return None, None
    slot = builder.alloca(ir.IntType(32))
    return slot, builder.bitcast(slot, ir.IntType(8).as_pointer())


def declare(builder: Any, name: str, returns: Any, takes: list[Any]) -> Any:
    """An LLVM function, declared once a module."""
    known = builder.module.globals
    return known[name] if name in known else ir.Function(builder.module, ir.FunctionType(returns, takes), name)
