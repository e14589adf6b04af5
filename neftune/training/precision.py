"""The number format in which this machine multiplies matrices fastest.

    for_training()                                       # bfloat16 or float32
    for_inference()

bfloat16 is not faster on every machine. It is with AMX, and with AVX-512's bfloat16 instructions on
AMD's processors: there oneDNN's products ran at 226 to 247 GFLOPS per core against 52 to 55 in
float32, and training steps of models of 5.2M and 10.5M parameters took 0.47 and 0.43 times as long.
On Intel's processors with these instructions but without AMX, its bfloat16 products ran at half the
speed of float32 (85 and 160 GFLOPS per core), and trainings of a 2.4M model took 1.6 times as long.
Decoding is limited by reading the weights, and gains from the instructions on both (8.8 s instead
of 11.1 s for 805 responses).

The environment variable PRECISION (`float32` or `bfloat16`) names the format for both, so that
machines of different kinds compute in the same one. The project's own results are made with
PRECISION=float32. torch is imported where it is needed: commands check the variable without it.
"""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

FORMATS = ("float32", "bfloat16")


def named() -> str | None:
    """The format that PRECISION names, if it names one.

    Raises:
        ValueError: it names another one than float32 and bfloat16.
    """
    name = os.environ.get("PRECISION") or None
    if name is not None and name not in FORMATS:
        raise ValueError(f"PRECISION={name}: it is {' or '.join(FORMATS)}")
    return name


def for_training() -> torch.dtype:
    """The format of matrix products in training: bfloat16 (autocast) or float32."""
    if own := named():
        return _format(own)
    fast = (
        _gpu_has_bfloat16()
        or _cpu_has("amx_bf16")
        or (_cpu_has("avx512_bf16") and _processor("vendor_id") == "AuthenticAMD")
    )
    return _format("bfloat16" if fast else "float32")


def for_inference() -> torch.dtype:
    """The format of weights and matrix products in inference: bfloat16 or float32."""
    if own := named():
        return _format(own)
    fast = _gpu_has_bfloat16() or _cpu_has("amx_bf16") or _cpu_has("avx512_bf16")
    return _format("bfloat16" if fast else "float32")


def _format(name: str) -> torch.dtype:
    import torch

    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]


def _gpu_has_bfloat16() -> bool:
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


@cache
def _cpu_has(instructions: str) -> bool:
    import torch

    return not torch.cuda.is_available() and bool(torch.cpu.get_capabilities().get(instructions))


@cache
def _processor(field: str) -> str:
    """What Linux says of the first processor in a field, or nothing."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    values = [line.partition(":")[2].strip() for line in lines if line.startswith(field)]
    return values[0] if values else ""


def machine() -> str:
    """Describe what the results depend on: processor or GPU, number formats, torch version."""
    import torch

    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
    else:
        name = _processor("model name") or platform.processor() or platform.machine()
    formats = [str(dtype).removeprefix("torch.") for dtype in (for_training(), for_inference())]
    return f"{name}; training in {formats[0]}, inference in {formats[1]}; torch {torch.__version__}"
