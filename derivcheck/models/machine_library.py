"""What the compiled backend's loops call: BLAS, and elementary functions that the compiler can vectorise.

Imported by the emitted modules only: it needs Numba.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, erf, expm1, inf, log, log1p, nan, sin, sqrt
from typing import Any

from llvmlite import ir
from numba import carray, njit, types
from numba.extending import intrinsic
from numpy import float32, float64, int32, int64

__all__ = [
    "address",
    "cos",
    "divide64",
    "entries",
    "erf",
    "exp_float32",
    "exp_float64",
    "expm1",
    "log1p",
    "log_float32",
    "log_float64",
    "log_normal_float32",
    "log_normal_float64",
    "machine",
    "product",
    "program",
    "sin",
    "sqrt",
    "tanh_float32",
    "tanh_float64",
]


def machine(function: Callable[..., Any]) -> Any:
    """Compile a helper: a function whose arrays overlap nowhere.

    Of the liberties that a compiler may take with rounding only two are given: fused multiply-add, and another order
    of additions in sums. NaN and infinities stay what they are.
    """
    compiled: Any = njit(error_model="numpy", fastmath={"contract", "reassoc"})(function)
    if hasattr(compiled._compiler, "_customize_flags"):  # Numba has no public name for it; without it loops are slower
        compiled._compiler._customize_flags = _without_overlap
    return compiled


def _without_overlap(flags: Any) -> Any:
    flags.noalias = True
    return flags


#: Compile a whole part, whose machine code is kept on disk with that of everything it calls.
program = njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract", "reassoc"})

#: Functions whose roundings are arranged on purpose: no other order of additions.
_exact = njit(error_model="numpy", fastmath={"contract"})


# --- memory ----------------------------------------------------------------------------------------------------


@intrinsic
def _pointer(typingctx: Any, address: Any, like: Any) -> Any:
    signature = types.CPointer(types.unliteral(like))(types.intp, like)  # type: ignore[no-untyped-call]

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(sig.return_type))

    return signature, code


@intrinsic
def address(typingctx: Any, array: Any) -> Any:
    """Where an array begins."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, context.get_value_type(types.intp))

    return types.intp(array), code


@_exact
def entries(first, count, like):  # type: ignore[no-untyped-def]
    """The flat array of so many entries that begins at an address; of the type that an example has."""
    return carray(_pointer(first, like), count)  # type: ignore[call-arg]


# --- BLAS ------------------------------------------------------------------------------------------------------


@intrinsic
def product(
    typingctx: Any, blas: Any, n: Any, m: Any, k: Any, a: Any, i: Any, lda: Any, ta: Any,
    b: Any, j: Any, ldb: Any, tb: Any, c: Any, o: Any, ldc: Any, beta: Any,
) -> Any:  # fmt: skip
    """``C ← op(A) op(B) + β C`` of an (n, k) and a (k, m) matrix in row order, by the Fortran routine at an address.

    The matrices begin at the entries ``i, j, o`` of flat arrays; ``ta`` and ``tb`` say whether a matrix is transposed.
    """
    whole, flag = types.intp, types.boolean
    signature = types.void(
        whole, whole, whole, whole, a, whole, whole, flag, b, whole, whole, flag, c, whole, whole, c.dtype
    )

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        number, char, integer = context.get_value_type(c.dtype), ir.IntType(8), ir.IntType(32)

        def reference(value: Any) -> Any:
            slot = builder.alloca(value.type)
            builder.store(value, slot)
            return slot

        def size(at: int) -> Any:
            return reference(builder.trunc(args[at], integer))

        def letter(at: int) -> Any:
            return reference(builder.select(args[at], ir.Constant(char, ord("T")), ir.Constant(char, ord("N"))))

        def entry(at: int) -> Any:
            array = context.make_array(sig.args[at])(context, builder, args[at])
            return builder.gep(array.data, [args[at + 1]])

        # A matrix in row order is its transpose in column order: Cᵀ = Bᵀ Aᵀ.
        passed = [
            letter(11), letter(7), size(2), size(1), size(3), reference(ir.Constant(number, 1.0)),
            entry(8), size(10), entry(4), size(6), reference(args[15]), entry(12), size(14),
        ]  # fmt: skip
        kind = ir.FunctionType(ir.VoidType(), [p.type for p in passed])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), passed)
        return context.get_dummy_value()

    return signature, code


# --- scalars ---------------------------------------------------------------------------------------------------


@_exact
def divide64(a, b):  # type: ignore[no-untyped-def]
    """Quotient by NumPy's conventions."""
    return a / b


# --- elementary functions ----------------------------------------------------------------------------------------


@_exact
def exp_float32(x):  # type: ignore[no-untyped-def]
    """Exponential function to about 1 ulp: x = n log 2 + r, a polynomial in r (Cephes), and two factors of 2ⁿ."""
    x = x if x < float32(90.0) or x != x else float32(90.0)
    x = x if x > float32(-105.0) or x != x else float32(-105.0)
    shifted = x * float32(1.44269504088896341) + float32(12582912.0)  # 1.5 · 2²³: rounds to an integer
    n = shifted - float32(12582912.0)
    r = x - n * float32(0.693359375) - n * float32(-2.12194440e-4)
    p = float32(1.9875691500e-4)
    p = p * r + float32(1.3981999507e-3)
    p = p * r + float32(8.3334519073e-3)
    p = p * r + float32(4.1665795894e-2)
    p = p * r + float32(1.6666665459e-1)
    p = p * r + float32(5.0000001201e-1)
    p = p * (r * r) + r + float32(1.0)
    m = int32(float32(shifted).view(int32) - int32(0x4B400000))
    half = m >> int32(1)
    low = int32((half + int32(127)) << int32(23)).view(float32)
    high = int32((m - half + int32(127)) << int32(23)).view(float32)
    return p * low * high


@_exact
def exp_float64(x):  # type: ignore[no-untyped-def]
    """Exponential function to about 1 ulp: as in single precision, with the polynomial of degree 13 of Taylor."""
    x = x if x < 710.0 or x != x else 710.0
    x = x if x > -746.0 or x != x else -746.0
    shifted = x * 1.4426950408889634 + 6755399441055744.0  # 1.5 · 2⁵²
    n = shifted - 6755399441055744.0
    r = x - n * 0.6931471803691238 - n * 1.9082149292705877e-10
    p = 1.6059043836821613e-10
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 0.0001984126984126984
    p = p * r + 0.001388888888888889
    p = p * r + 0.008333333333333333
    p = p * r + 0.041666666666666664
    p = p * r + 0.16666666666666666
    p = p * r + 0.5
    p = p * (r * r) + r + 1.0
    m = float64(shifted).view(int64) - int64(0x4338000000000000)
    half = m >> int64(1)
    low = int64((half + int64(1023)) << int64(52)).view(float64)
    high = int64((m - half + int64(1023)) << int64(52)).view(float64)
    return p * low * high


@_exact
def log_normal_float32(x):  # type: ignore[no-untyped-def]
    """Logarithm of a positive, finite, normal number to about 1 ulp (Cephes): x = 2ᵉ m with √½ ≤ m < √2."""
    bits = float32(x).view(int32)
    e = int32(int32(bits - int32(0x3F3504F3)) >> int32(23))
    m = int32(bits - int32(e << int32(23))).view(float32) - float32(1.0)
    z = m * m
    p = float32(7.0376836292e-2)
    p = p * m + float32(-1.1514610310e-1)
    p = p * m + float32(1.1676998740e-1)
    p = p * m + float32(-1.2420140846e-1)
    p = p * m + float32(1.4249322787e-1)
    p = p * m + float32(-1.6668057665e-1)
    p = p * m + float32(2.0000714765e-1)
    p = p * m + float32(-2.4999993993e-1)
    p = p * m + float32(3.3333331174e-1)
    n = float32(e)
    y = m * z * p + n * float32(-2.12194440e-4) - float32(0.5) * z
    return m + y + n * float32(0.693359375)


@_exact
def log_float32(x):  # type: ignore[no-untyped-def]
    """Logarithm to about 1 ulp, of any number."""
    tiny = x < float32(2.0**-126)
    y = log_normal_float32(x * float32(2.0**23) if tiny else x)
    y = y - float32(23 * 0.6931471805599453) if tiny else y
    y = y if x > float32(0.0) else (float32(-inf) if x == float32(0.0) else float32(nan))
    return x if x == float32(inf) else y


#: The C library's; there is no faster one here.
log_float64 = log


@_exact
def log_normal_float64(x):  # type: ignore[no-untyped-def]
    """Logarithm of a positive, finite, normal number to about 1 ulp: as in single precision, a rational function."""
    bits = float64(x).view(int64)
    e = int64(int64(bits - int64(0x3FE6A09E667F3BCD)) >> int64(52))
    m = int64(bits - int64(e << int64(52))).view(float64) - 1.0
    z = m * m
    p = 1.01875663804580931796e-4
    p = p * m + 4.97494994976747001425e-1
    p = p * m + 4.70579119878881725854
    p = p * m + 1.44989225341610930846e1
    p = p * m + 1.79368678507819816313e1
    p = p * m + 7.70838733755885391666
    q = m + 1.12873587189167450590e1
    q = q * m + 4.52279145837532221105e1
    q = q * m + 8.29875266912776603211e1
    q = q * m + 7.11544750618563894466e1
    q = q * m + 2.31251620126765340583e1
    n = float64(e)
    y = m * (z * p / q) - n * 2.121944400546905827679e-4 - 0.5 * z
    return m + y + n * 0.693359375


@_exact
def tanh_float32(x):  # type: ignore[no-untyped-def]
    """Hyperbolic tangent to a few ulp: a rational minimax function (as in Eigen), on the range where it is not ±1."""
    y = x if x < float32(7.9) or x != x else float32(7.9)
    y = y if y > float32(-7.9) or y != y else float32(-7.9)
    z = y * y
    p = float32(-2.76076847742355e-16)
    p = p * z + float32(2.00018790482477e-13)
    p = p * z + float32(-8.60467152213735e-11)
    p = p * z + float32(5.12229709037114e-08)
    p = p * z + float32(1.48572235717979e-05)
    p = p * z + float32(6.37261928875436e-04)
    p = p * z + float32(4.89352455891786e-03)
    q = float32(1.19825839466702e-06)
    q = q * z + float32(1.18534705686654e-04)
    q = q * z + float32(2.26843463243900e-03)
    q = q * z + float32(4.89352518554385e-03)
    y = y * p / q
    y = y if x < float32(8.7) or x != x else float32(1.0)
    return y if x > float32(-8.7) or x != x else float32(-1.0)


@_exact
def tanh_float64(x):  # type: ignore[no-untyped-def]
    """Hyperbolic tangent to a few ulp: a rational function below 0.625 (Cephes), 1 − 2/(exp 2x + 1) above."""
    z = x * x
    p = -9.64399179425052238628e-1
    p = p * z + -9.92877231001918586564e1
    p = p * z + -1.61468768441708447952e3
    q = z + 1.12811678491632931402e2
    q = q * z + 2.23548839060100448583e3
    q = q * z + 4.84406305325125486048e3
    near = x + x * z * p / q
    y = abs(x)
    far = 1.0 - 2.0 / (exp_float64(y + y) + 1.0)
    far = far if x > 0.0 else -far
    return near if y < 0.625 else far
