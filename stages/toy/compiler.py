"""Numba, pinned to one instruction set so that the same code gives the same bytes on every machine that has it.

LLVM orders a vectorised sum by the width of the machine's vectors and contracts a * b + c where it can: left to
the host, an AVX-512 laptop and an AVX2 one would end 50,000 chaotic steps in different weights. Everything the
project compiles is therefore compiled for x86-64-v3 (AVX2 and FMA: Intel since 2013, AMD since 2015). Elsewhere
(older or Arm processors) it is compiled for the host, and INSTRUCTION_SET, which is part of every cell's key, says so.
"""

from __future__ import annotations

import textwrap
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

PINNED = "x86-64-v3"
_NEEDED = ("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt")


def _host_has_pinned_set() -> bool:
    features = llvm.get_host_cpu_features()
    return llvm.get_process_triple().startswith("x86_64") and all(features.get(name, False) for name in _NEEDED)


if _host_has_pinned_set():
    INSTRUCTION_SET = PINNED
    numba.config.CPU_NAME = PINNED
    numba.config.CPU_FEATURES = ",".join("+" + name for name in _NEEDED)
else:
    INSTRUCTION_SET = llvm.get_host_cpu_name()


def compiled(**options: Any) -> Any:
    """`numba.njit` as this project uses it: no GIL, C division, sums free to be vectorised, infinities and NaN kept."""
    return numba.njit(nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"}, **options)


def from_source(source: str) -> Any:
    """Compile the one function in `source`, which was written out for its m and may use `np`, `zero` and `float32`.

    LLVM keeps named scalars in registers and vectorises the loops around them; arrays indexed by j < m it does not.
    """
    scope: dict[str, Any] = {"np": np, "zero": np.float32(0), "float32": np.float32}
    known = set(scope)
    exec(textwrap.dedent(source), scope)
    (name,) = scope.keys() - known - {"__builtins__"}
    return compiled()(scope[name])


@intrinsic
def flush_subnormals(typing):  # type: ignore[no-untyped-def]
    """Treat numbers below 1e-38 as 0 from here on, on this thread; gives the state for `restore_subnormals`.

    Where a gradient is exactly 0 Adam's first moment decays into the subnormals and, rounded, stays there. They
    change nothing (a step of 1e-45 / eps), and a processor takes some hundred cycles for each.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        slot, pointer = _control_word(builder)
        if slot is None:
            return ir.Constant(ir.IntType(32), 0)
        builder.call(_declare(builder, "stmxcsr"), [pointer])
        state = builder.load(slot)
        builder.store(builder.or_(state, ir.Constant(ir.IntType(32), 0x8040)), slot)  # flush to zero; inputs too
        builder.call(_declare(builder, "ldmxcsr"), [pointer])
        return state

    return numba.uint32(), generate


@intrinsic
def restore_subnormals(typing, state):  # type: ignore[no-untyped-def]
    """Undo `flush_subnormals`."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        slot, pointer = _control_word(builder)
        if slot is not None:
            builder.store(arguments[0], slot)
            builder.call(_declare(builder, "ldmxcsr"), [pointer])
        return context.get_dummy_value()

    return numba.void(numba.uint32), generate


def _control_word(builder: Any) -> tuple[Any, Any]:
    """(stack slot, the same as a byte pointer) for the SSE control word; (None, None) on another architecture."""
    if not llvm.get_process_triple().startswith("x86_64"):
        return None, None
    slot = builder.alloca(ir.IntType(32))
    return slot, builder.bitcast(slot, ir.IntType(8).as_pointer())


def _declare(builder: Any, name: str) -> Any:
    kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
    full = f"llvm.x86.sse.{name}"
    known = builder.module.globals
    return known[full] if full in known else ir.Function(builder.module, kind, full)
