"""Clocks and scales: time, peak memory and the ceilings of a GPU, or of one CPU thread."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import accumulate

import torch

Run = Callable[[], object]


class Gpu:
    """CUDA events around a call that finds the L2 cache flushed and its launches queued."""

    timer = "CUDA events, L2 flushed outside the pair"

    def __init__(self) -> None:
        self.flush = torch.empty(256 << 20, dtype=torch.int8, device="cuda")

    def time(self, run: Run) -> float:
        """Milliseconds."""
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self.flush.zero_()
        torch.cuda._sleep(2_000_000)  # about 1 ms, in which Python gets ahead of the device
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end)

    def peak(self, run: Run) -> int:
        """The most bytes that were allocated during the call beyond those before it."""
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = run()
        peak = torch.cuda.max_memory_allocated() - before
        del result
        return peak

    def ceilings(self) -> dict:
        """What nothing can exceed: a copy, read and written bytes counted, and a product."""
        source = torch.randn(1 << 30, device="cuda", dtype=torch.bfloat16)
        sink = torch.empty_like(source)
        a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
        copy = self._median(lambda: sink.copy_(source))
        product = self._median(lambda: a @ b)
        return {
            "copy_GBps": 2 * source.numel() * source.element_size() / copy / 1e6,
            "matmul_TFLOPs": 2 * 8192**3 / product / 1e9,
            "matmul_dtype": "bfloat16",
        }

    def _median(self, run: Run) -> float:
        times = [self.time(run) for _ in range(23)]
        return sorted(times[3:])[10]

    def environment(self) -> dict:
        gpu = torch.cuda.get_device_properties(0)
        return {
            "device": gpu.name,
            "kind": "cuda",
            "sms": gpu.multi_processor_count,
            "l2_bytes": gpu.L2_cache_size,
            "capability": [gpu.major, gpu.minor],
            "driver": _driver(),
            **_software(self.timer),
        }


class Cpu:
    """CPU time of one thread, which other programs on the machine disturb least."""

    timer = "process_time, one thread, interleaved"

    def __init__(self) -> None:
        torch.set_num_threads(1)

    def time(self, run: Run) -> float:
        """Milliseconds."""
        start = time.process_time()
        run()
        return 1e3 * (time.process_time() - start)

    def peak(self, run: Run) -> int:
        """The most bytes that were allocated during the call beyond those before it."""
        return max(self.held(run), default=0)

    def held(self, run: Run) -> list[int]:
        """Bytes allocated beyond those before the call, after each event of the allocator."""
        activities = [torch.profiler.ProfilerActivity.CPU]
        with (
            _silence(),
            torch.profiler.profile(activities=activities, profile_memory=True) as profiler,
        ):
            result = run()
        del result
        events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
        return list(accumulate(e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())))

    def ceilings(self) -> dict:
        """None: page faults and neighbours make a CPU's rates worth nothing beyond ratios."""
        return {}

    def environment(self) -> dict:
        return {
            "device": f"{platform.machine()} CPU",
            "kind": "cpu",
            "sms": None,
            "l2_bytes": None,
            "capability": None,
            "driver": None,
            **_software(self.timer),
        }


Machine = Gpu | Cpu


@contextmanager
def _silence() -> Iterator[None]:
    """Without what the profiler's C++ side says about itself on standard error."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _software(timer: str) -> dict:
    return {
        "torch": torch.__version__,
        "triton": _version("triton"),
        "liger_kernel": _version("liger_kernel"),
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "timer": timer,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _driver() -> str | None:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError):
        return None
