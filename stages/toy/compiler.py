"""Numba, used so that the same code gives the same bytes whatever vectors the processor has.

Left to the host, LLVM orders a vectorised sum by the width of its vectors and contracts a * b + c where it can: two
laptops would end 50,000 chaotic steps in different weights. Here nothing may be reordered or contracted: what is
compiled has the one IEEE meaning that its source spells out, with `fma` where a product and a sum are one, and LANES
interleaved partial sums where a sum is long. A processor that takes 16 lanes at once and one that takes 8 in two passes
come to the same bytes.
"""

from __future__ import annotations

import os
import textwrap
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

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


def compiled(**options: Any) -> Any:
    """`numba.njit` as this project uses it: no GIL, C division, and IEEE arithmetic in the order of the source."""
    return numba.njit(nogil=True, error_model="numpy", **options)


def from_source(source: str) -> Any:
    """Compile the one function in `source`, which was written out for its m and may use `np`, `fma`, `zero`, `float32`.

    LLVM keeps named scalars in registers and vectorises the loops around them; arrays indexed by j < m it does not.
    """
    scope: dict[str, Any] = {"np": np, "fma": fma, "zero": np.float32(0), "float32": np.float32}
    known = set(scope)
    exec(textwrap.dedent(source), scope)
    (name,) = scope.keys() - known - {"__builtins__"}
    return compiled()(scope[name])


@intrinsic
def fma(typing, x, y, z):
    """X * y + z rounded once, of three float32."""

    def generate(context, builder, signature, arguments):
        return builder.call(_declare(builder, "llvm.fma.f32", ir.FloatType(), [ir.FloatType()] * 3), arguments)

    return numba.float32(numba.float32, numba.float32, numba.float32), generate


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
        builder.call(_declare(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), [pointer.type]), [pointer])
        state = builder.load(slot)
        builder.store(builder.or_(state, ir.Constant(ir.IntType(32), 0x8040)), slot)  # flush to zero; inputs too
        builder.call(_declare(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [pointer.type]), [pointer])
        return state

    return numba.uint32(), generate


@intrinsic
def restore_subnormals(typing, state):
    """Undo `flush_subnormals`."""

    def generate(context, builder, signature, arguments):
        slot, pointer = _control_word(builder)
        if slot is not None:
            builder.store(arguments[0], slot)
            builder.call(_declare(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [pointer.type]), [pointer])
        return context.get_dummy_value()

    return numba.void(numba.uint32), generate


def _control_word(builder: Any) -> tuple[Any, Any]:
    """(stack slot, the same as a byte pointer) for the SSE control word; (None, None) on another architecture."""
    if not llvm.get_process_triple().startswith("x86_64"):
        return None, None
    slot = builder.alloca(ir.IntType(32))
    return slot, builder.bitcast(slot, ir.IntType(8).as_pointer())


def _declare(builder: Any, name: str, returns: Any, takes: list[Any]) -> Any:
    known = builder.module.globals
    return known[name] if name in known else ir.Function(builder.module, ir.FunctionType(returns, takes), name)


def vector_fma(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """X * y + z rounded once, of three LLVM vectors of float32."""
    name = f"llvm.fma.v{x.type.count}f32"
    return builder.call(_declare(builder, name, x.type, [x.type] * 3), [x, y, z])
