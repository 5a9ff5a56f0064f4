"""The trusted handle: what cells show, what functions answer, and what attacks come to."""

import base64
import errno
import os
import random
import signal
import textwrap
import time

import numpy
import pytest
import torch

from autograder import wire
from autograder.kernel import Kernel, KernelDied, Zygote
from autograder.sandbox import Limits
from autograder.watchdog import tree
from autograder.wire import StudentError
from tests.autograder.classroom import wait_until
from tests.autograder.inside import printed


def works(zygote: Zygote) -> bool:
    """Whether the next notebook is fine."""
    with zygote.kernel() as kernel:
        kernel.execute("def twice(x): return 2 * x")
        return kernel.ask("twice", numpy.arange(3)).value.tolist() == [0, 2, 4]


def run(kernel: Kernel, source: str, **options):
    return kernel.execute(textwrap.dedent(source), **options)


# ------------------------------------------------------------------ cells


def test_a_cell_shows_what_a_notebook_shows(kernel):
    result = run(kernel, "import sys\nprint('out'); print('err', file=sys.stderr); 1 + 1")
    assert result.ok and not result.died
    assert result.outputs == [
        {"output_type": "stream", "name": "stdout", "text": "out\n"},
        {"output_type": "stream", "name": "stderr", "text": "err\n"},
        {
            "output_type": "execute_result",
            "execution_count": 1,
            "data": {"text/plain": "2"},
            "metadata": {},
        },
    ]


@pytest.mark.parametrize("magic", ["", "%matplotlib inline", "%matplotlib notebook"])
def test_figures_become_pictures(kernel, magic):
    source = f"{magic}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    (output,) = run(kernel, source).outputs
    assert base64.b64decode(output["data"]["image/png"]).startswith(b"\x89PNG")


def test_an_error_keeps_the_kernel_and_what_it_defined(kernel):
    result = run(kernel, "x = 3\n1 / 0")
    assert not result.ok and not result.died
    assert (result.outputs[0]["ename"], result.outputs[0]["evalue"]) == (
        "ZeroDivisionError",
        "division by zero",
    )
    assert printed(kernel, "print(x)") == "3"


@pytest.mark.parametrize(
    "source",
    [
        "!pip install numpy",
        "quit()",
        "import warnings; warnings.warn('old')",
        "import asyncio; await asyncio.sleep(0)",
        "from IPython.display import clear_output, HTML; clear_output(wait=True); HTML('<b>')",
        "import ipywidgets; ipywidgets.IntSlider()",
        "import multiprocessing as m; p = m.Process(target=print); p.start(); p.join()",
        "import threading; t = threading.Thread(target=print); t.start(); t.join()",
        "import torch; torch.ones(2, requires_grad=True).sum().backward()",
        "import torch; torch.ones(2, dtype=torch.float16).float()",
        "open('notes.txt', 'w').write('x'); open('notes.txt').read()",
        "import tempfile; tempfile.TemporaryFile().write(b'x')",
        "import getpass, os; getpass.getuser(), os.path.expanduser('~'), os.cpu_count()",
    ],
)
def test_honest_cells_end_well(kernel, source):
    assert run(kernel, source).ok


def test_input_is_refused_with_a_reason(kernel):
    assert "not available while grading" in run(kernel, "input('n?')").outputs[0]["evalue"]


def test_every_notebook_starts_with_the_random_numbers_of_seed_0(zygote):
    source = """
    import random, numpy, torch
    print(random.random(), numpy.random.rand(), torch.rand(1).item())
    """
    of_torch = torch.rand(1, generator=torch.Generator().manual_seed(0)).item()
    of_numpy = numpy.random.RandomState(0).rand()
    for _ in range(2):
        with zygote.kernel() as kernel:
            shown = printed(kernel, source)
        assert shown == f"{random.Random(0).random()} {of_numpy} {of_torch}"


def test_output_without_end_is_cut(kernel):
    result = run(kernel, "for i in range(10**5): print('x' * 50)", timeout=20)
    (output,) = result.outputs
    assert result.ok and output["text"].endswith("[output cut after 100000 characters]\n")
    assert len(output["text"]) < 101_000


def test_displays_and_pictures_without_end_are_cut(kernel):
    source = """
    import os
    from IPython.display import Image, display
    png = bytes.fromhex('89504e470d0a1a0a')
    display(Image(png + os.urandom(2_000_000), format='png'))
    for _ in range(50): display(Image(png + os.urandom(500_000), format='png'))
    """
    result = run(kernel, source)
    pictures = [item["data"].get("image/png", "") for item in result.outputs]
    assert result.ok and len(pictures) == 20 and not pictures[0] and pictures[1]
    assert sum(map(len, pictures)) < 6_000_000


def test_output_below_python_neither_blocks_nor_shows(kernel):
    source = """
    import ctypes, os
    for _ in range(100): os.write(1, bytes(100_000)); os.write(2, bytes(100_000))
    ctypes.CDLL(None).puts(b'from C')
    print('done')
    """
    assert printed(kernel, source) == "done"


# ------------------------------------------------------------------ questions


def test_a_question_reaches_the_students_function(kernel):
    run(kernel, "def mse(p, t): p -= t; return (p**2).mean()")
    answer = kernel.ask("mse", numpy.array([3.0, 1.0]), numpy.array([1.0, 1.0]))
    assert (answer.value, answer.repeat) == (2.0, 1.0)
    assert answer.inputs_after[0].tolist() == [1.0, -1.0]


@pytest.mark.parametrize(
    "source",
    [
        "list = [1, 2]; len = max = 3; str = 'x'; np = None",
        "import json; json.dumps = json.loads = json.JSONDecoder = None",
        "import builtins, math; builtins.abs = builtins.all = math.prod = None",
        "import numpy; numpy.asarray = numpy.frombuffer = None",
        "import base64, struct; base64.b64encode = base64.b64decode = None",
    ],
)
def test_names_a_notebook_replaces_do_not_break_its_answers(kernel, source):
    run(kernel, "def twice(x): return x + x")
    run(kernel, source)
    assert kernel.ask("twice", numpy.arange(2.0)).value.tolist() == [0.0, 2.0]


def test_a_slow_question_is_stopped_and_the_next_is_answered(kernel):
    run(kernel, "def slow(x):\n    while True: pass\ndef quick(x): return x")
    with pytest.raises(StudentError, match=r"^slow took longer than 0\.2 s$"):
        kernel.ask("slow", 1, timeout=0.2)
    assert kernel.alive and kernel.ask("quick", 5).value == 5


def test_a_question_that_ends_the_process_says_so(kernel):
    run(kernel, "import os\ndef leave(x): os._exit(0)")
    with pytest.raises(KernelDied, match="leave got no answer: the notebook's process ended"):
        kernel.ask("leave", 1)
    with pytest.raises(KernelDied):
        kernel.ask("leave", 1)
    assert not kernel.alive and kernel.execute("1").died


def test_a_missing_function_or_an_error_is_a_sentence(kernel):
    with pytest.raises(StudentError, match="mse is not defined"):
        kernel.ask("mse", 1)
    assert kernel.alive


# ------------------------------------------------------------------ time


def test_an_endless_cell_is_interrupted_and_the_rest_lives_on(kernel):
    run(kernel, "x = 1")
    result = run(kernel, "while True: pass", timeout=0.3)
    assert result.timed_out and not result.died and not result.ok
    assert result.outputs[0]["ename"] == "KeyboardInterrupt" and result.seconds < 2
    assert printed(kernel, "print(x)") == "1"


@pytest.mark.parametrize(
    "source",
    [
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        "import signal; signal.signal(signal.SIGINT, lambda *a: None)\nwhile True: pass",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "import numpy as np; a = np.ones((6000, 6000))\nwhile True: a = a @ a * 0",
    ],
)
def test_what_ignores_the_interrupt_is_killed(zygote, source):
    with zygote.kernel() as kernel:
        result = run(kernel, source, timeout=0.3)
        assert result.timed_out and result.seconds < 4
        assert result.died or "6000" in source
    assert works(zygote)


def test_the_whole_notebook_has_a_budget(zygote):
    with zygote.kernel() as kernel:
        kernel.deadline = time.monotonic() + 0.3
        assert run(kernel, "import time; time.sleep(5)", timeout=5).timed_out
        assert run(kernel, "1").died


# ------------------------------------------------------------------ ends and attacks


@pytest.mark.parametrize(
    "source",
    [
        "import os; os._exit(0)",
        "import os; os.kill(os.getpid(), 9)",
        "import ctypes; ctypes.string_at(0)",
        "import os; os.abort()",
        "import os; os.closerange(0, 100)",
        "import os\ntry: os.kill(-1, 9)\nfinally: os.kill(0, 9)",
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass",
    ],
)
def test_an_end_of_the_process_costs_only_this_notebook(zygote, source):
    interpreter = zygote.started
    with zygote.kernel() as kernel:
        result = run(kernel, source, timeout=5)
        assert result.died and not result.ok and result.reason
    assert works(zygote) and zygote.started is interpreter


def test_its_init_cannot_be_killed_from_inside(kernel):
    assert printed(kernel, "import os; [os.kill(1, n) for n in (2, 9, 15, 19)]; print('alive')")


FORGED_ANSWER = """
import os, struct, json
def forge(number):
    payload = json.dumps({"n": number, "answer": [1, 1, {"tuple": []}]}).encode()
    os.write(3, struct.pack(">I", len(payload)) + payload)
"""


@pytest.mark.parametrize(
    "source",
    [
        "os.write(3, b'garbage')",
        "os.write(3, bytes(4))",
        "os.write(3, b'\\xff' * 64)",
        "os.write(3, b'\\x00\\x00\\x00\\x02[]')",
        "os.write(3, b'\\x00\\x00\\x10\\x00half a frame')",
        "forge(2)",
        "[forge(n) for n in range(20)]",
        "import threading; threading.Thread(target=lambda: [forge(3) for _ in range(10**6)])"
        ".start()",
    ],
)
def test_forged_frames_end_the_kernel_and_nothing_else(zygote, monkeypatch, source):
    monkeypatch.setattr("autograder.kernel.TRANSFER_SECONDS", 0.5)
    with zygote.kernel() as kernel:
        run(kernel, "def one(): return 1")
        run(kernel, FORGED_ANSWER + source, timeout=1)
        with pytest.raises(KernelDied):
            # Were an early reply taken for the answer, all later ones would answer too early.
            for _ in range(30):
                kernel.ask("one")
        assert not kernel.alive
    assert works(zygote)


def test_a_reply_that_comes_before_its_question_is_not_taken(kernel):
    run(kernel, "def one(): return 1")
    # The third request is the question below.
    late = "import threading, time\nthreading.Timer(0.1, forge, [3]).start()"
    assert run(kernel, FORGED_ANSWER + late).ok
    assert kernel._readable(5)
    with pytest.raises(KernelDied, match="not the reply"):
        kernel.ask("one")


def test_a_reply_that_trickles_in_meets_the_deadline(zygote, monkeypatch):
    monkeypatch.setattr("autograder.kernel.TRANSFER_SECONDS", 0.5)
    source = """
    import os, time
    os.write(3, (1000).to_bytes(4, 'big'))
    for _ in range(100): os.write(3, b' '); time.sleep(0.05)
    """
    with zygote.kernel() as kernel:
        assert run(kernel, source).died
    assert works(zygote)


def test_a_reply_larger_than_allowed_is_not_read(zygote):
    with zygote.kernel() as kernel:
        result = run(kernel, "import os; os.write(3, (10**9).to_bytes(4, 'big') + bytes(10**5))")
        assert result.died and "not the reply" in result.reason


def test_a_replaced_responder_can_only_make_claims(kernel):
    """Deep inside everything can be rewritten; what comes out is still an answer or a sentence."""
    source = """
    from autograder import responder, wire
    wire.encode = lambda value, depth=0: {"array": ["float64", [10**6], b"AAAA"]}
    def one(): return 1
    """
    run(kernel, source)
    with pytest.raises(KernelDied, match="not the reply"):
        kernel.ask("one")


def test_a_fork_bomb_is_bounded(zygote):
    source = """
    import os, time
    children = 0
    while True:
        try:
            if os.fork() == 0: time.sleep(60); os._exit(0)
        except BlockingIOError: break
        children += 1
    print(children)
    """
    with zygote.kernel() as kernel:
        assert int(printed(kernel, source)) < zygote.limits.processes
        assert run(kernel, "while True:\n    try: os.fork()\n    except OSError: pass", timeout=1)
    assert works(zygote)


def test_too_much_memory_is_a_memory_error_for_honest_code(kernel):
    result = run(kernel, "import numpy\nnumpy.ones(200_000_000)")
    assert not result.died and "MemoryError" in result.outputs[0]["ename"]
    assert printed(kernel, "print('alive')") == "alive"


SHARED_MEMORY = """
import mmap, os
held = []
for _ in range(8):
    held.append(mmap.mmap(-1, 200 << 20))
    for _ in range(200): held[-1].write(bytes(1 << 20))
"""
MANY_SMALL_ONES = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        held = bytearray(os.urandom(1 << 20) * 200); time.sleep(60)
time.sleep(60)
"""


@pytest.mark.parametrize("source", [SHARED_MEMORY, MANY_SMALL_ONES])
def test_memory_is_counted_over_all_processes(zygote, source):
    with zygote.kernel() as kernel:
        result = run(kernel, source, timeout=30)
        assert result.died and "MB of memory" in result.reason and not result.timed_out
    assert works(zygote)


def test_forks_of_a_large_process_are_not_counted_twice(zygote):
    source = """
    import os, time
    held = bytearray(600 << 20)
    for _ in range(4):
        if os.fork() == 0: time.sleep(0.5); os._exit(0)
    for _ in range(4): os.wait()
    """
    with zygote.kernel() as kernel:
        assert run(kernel, source).ok


def test_nothing_outlives_its_notebook(zygote):
    interpreter = zygote._start().process.pid
    assert works(zygote)
    before = set(tree(interpreter))
    source = """
    import os, signal, time
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 100)
            time.sleep(600)
        os._exit(0)
    os.wait()
    """
    with zygote.kernel() as kernel:
        assert run(kernel, source).ok
        assert len(tree(kernel.processes.root)) == 3
    assert works(zygote)  # which also collects the ended ones
    assert len(set(tree(interpreter)) - before) <= 1  # the last one's init, not collected yet


def test_the_next_notebook_is_clean(zygote):
    source = """
    import builtins, os, sys, numpy
    marked = 'mark'; builtins.mark = numpy.mark = sys.mark = 1
    os.environ['MARK'] = '1'
    for folder in ('/tmp', '/work', '/dev/shm'): open(folder + '/mark', 'w').close()
    """
    look = """
    import builtins, os, sys, numpy
    print('marked' in globals(), hasattr(builtins, 'mark'), hasattr(numpy, 'mark'),
          hasattr(sys, 'mark'), 'MARK' in os.environ)
    print([os.listdir(folder) for folder in ('/tmp', '/work', '/dev/shm')], len(In), Out)
    """
    with zygote.kernel() as kernel:
        assert run(kernel, source).ok
    with zygote.kernel() as kernel:
        assert printed(kernel, look) == "False False False False False\n[[], [], []] 2 {}"


def test_a_lost_warm_interpreter_is_replaced_and_a_closed_one_leaves_nothing():
    with Zygote() as zygote:
        assert works(zygote)
        zygote.started.process.send_signal(signal.SIGKILL)
        zygote.started.process.wait()
        assert works(zygote)
        kernel = zygote.kernel()
    # The interpreter was closed; its notebooks are killed with it, some milliseconds later.
    wait_until(lambda: run(kernel, "1").died, seconds=20)
    kernel.close()
    kernel.close()


def test_many_notebooks_leave_no_descriptor_behind(zygote):
    assert works(zygote)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        assert works(zygote)
    assert len(os.listdir("/proc/self/fd")) == before


def test_limits_are_taken_from_the_zygote(zygote, monkeypatch):
    monkeypatch.setattr(zygote, "limits", Limits(disk_mb=8, files=20, memory_mb=300))
    with zygote.kernel() as kernel:
        source = """
        import os
        try: [os.dup(0) for _ in range(30)]
        except OSError as error: print(error.errno)
        os.closerange(4, 30)
        try: open('x', 'wb').write(bytes(9 << 20))
        except OSError as error: print(error.errno)
        """
        assert printed(kernel, source) == f"{errno.EMFILE}\n{errno.EFBIG}"
        assert not run(kernel, "bytearray(400 << 20)").ok


def test_a_request_that_is_too_large_is_the_graders_mistake(kernel):
    with pytest.raises(ValueError, match="arguments take"):
        kernel.ask("mse", "x" * wire.TEXT, ["y" * wire.TEXT] * 30)
