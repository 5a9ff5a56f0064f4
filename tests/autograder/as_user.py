"""Attempts against the sandbox of an ordinary user; prints what came of them as JSON."""

import json
import os

from autograder import sandbox
from autograder.kernel import Zygote

SOURCE = f"""
import ctypes, errno, os, socket
seen = {{}}
fields = dict(line.split(":\\t") for line in open("/proc/self/status") if ":\\t" in line)
names = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
seen["status"] = [fields[name].strip() for name in names]
hidden = ({str(sandbox.CHECKOUT)!r}, "/etc/shadow", "/home", "/var", {__file__!r})
seen["exists"] = [path for path in hidden if os.path.exists(path)]
seen["written"] = []
for folder in ("/", "/etc", "/dev", "/grader", "/packages", "/work", "/tmp", "/dev/shm"):
    try: open(folder + "/x", "w").close(); seen["written"].append(folder)
    except OSError: pass
libc = ctypes.CDLL(None, use_errno=True)
seen["refused"] = []
for call in (lambda: libc.unshare(0x10000000), lambda: libc.mount(b"x", b"/tmp", b"tmpfs", 0, b""),
             lambda: libc.ptrace(16, 1, 0, 0), lambda: libc.socket(2, 1, 0)):
    assert call() == -1
    seen["refused"].append(errno.errorcode[ctypes.get_errno()])
seen["processes"] = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
import json; print(json.dumps(seen))
"""
BOMB = """
import mmap, os
held = []
for _ in range(6):
    held.append(mmap.mmap(-1, 300 << 20))  # shared: not counted by the limit on private data
    for _ in range(300): held[-1].write(bytes(1 << 20))
"""

with Zygote() as zygote:
    with zygote.kernel() as kernel:
        run = kernel.execute(SOURCE)
        seen = json.loads(run.outputs[0]["text"])
    seen["level"] = sandbox.probe().level
    with zygote.kernel() as kernel:
        kernel.execute("import os; os.kill(0, 9); os.kill(-1, 9)")
    alive = zygote.started.process.poll() is None and os.getpid() > 0
    seen["killed_everyone"] = "alive or ended alone" if alive else "the warm interpreter died"
    with zygote.kernel() as kernel:
        seen["memory"] = kernel.execute(BOMB).reason
    with zygote.kernel() as kernel:
        kernel.execute("def twice(x): return 2 * x")
        seen["afterwards"] = kernel.ask("twice", 4).value
print(json.dumps(seen))
