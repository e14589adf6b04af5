"""The number format in which this machine multiplies matrices fastest.

    for_training()                                       # bfloat16 with AMX or a GPU, else float32
    for_inference()

bfloat16 is not faster on every machine. On CPUs with AVX-512 but without AMX, oneDNN's bfloat16
products ran at half the speed of float32 (85 and 160 GFLOPS per core), and trainings of a 2.4M
model took 1.6 times as long. Decoding is limited by reading the weights, and gains from bfloat16
with AVX-512's bfloat16 instructions already (8.8 s instead of 11.1 s for 805 responses).
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import torch


def for_training() -> torch.dtype:
    """The format of matrix products in training: bfloat16 (autocast) or float32."""
    return torch.bfloat16 if _gpu_has_bfloat16() or _cpu_has("amx_bf16") else torch.float32


def for_inference() -> torch.dtype:
    """The format of weights and matrix products in inference: bfloat16 or float32."""
    fast = _gpu_has_bfloat16() or _cpu_has("amx_bf16") or _cpu_has("avx512_bf16")
    return torch.bfloat16 if fast else torch.float32


def _gpu_has_bfloat16() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


@cache
def _cpu_has(instructions: str) -> bool:
    return not torch.cuda.is_available() and bool(torch.cpu.get_capabilities().get(instructions))


@cache
def machine() -> str:
    """Describe what the results depend on: processor or GPU, number formats, torch version."""
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
    else:
        path = Path("/proc/cpuinfo")
        lines = path.read_text().splitlines() if path.exists() else []
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = names[0] if names else platform.processor() or platform.machine()
    formats = [str(dtype).removeprefix("torch.") for dtype in (for_training(), for_inference())]
    return f"{name}; training in {formats[0]}, inference in {formats[1]}; torch {torch.__version__}"
