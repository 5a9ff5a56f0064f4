"""Inside bubblewrap: a warm interpreter that forks one isolated process per notebook.

Importing IPython, numpy, matplotlib and torch costs seconds; a fork costs milliseconds. The zygote
never runs a student's code. For each notebook it forks an init process that leaves every namespace
it shares with others, mounts folders of its own, gives up its user, its capabilities and a hundred
system calls, and only then forks the process in which the student's cells run. When that process
or its init ends, everything it ever started ends with it.

The second fork keeps the student's process from being process 1 of its namespace: Linux hides from
that one every signal it has no handler for, and leaves it to collect whatever others abandon.
"""

from __future__ import annotations

import ctypes
import gc
import io
import json
import os
import random
import resource
import signal
import socket
import struct
import sys
import tempfile
from typing import Any, NoReturn

from autograder import responder, seccomp, wire

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 4, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
MADV_COLLAPSE = 25
CAPABILITIES_V3 = 0x20080522
LAST_CAPABILITY = 63  # more than any kernel knows: asking for a missing one ends the loop

CHANNEL = 3  # the descriptor of the notebook's socket; 0, 1 and 2 are /dev/null
WORK = "/work"
MEGABYTE = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Serve forks on the control socket until the trusted side closes it.

    Arguments: the socket's descriptor, "bwrap" or "none".
    """
    descriptor, isolation = sys.argv[1:]
    sys.argv = [""]
    control = socket.socket(fileno=int(descriptor))
    if isolation == "bwrap":
        # Nobody of the same user id may trace this process or read its memory.
        _prctl(PR_SET_DUMPABLE, 0)
    shell = warm_up()
    control.send(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        if not message:
            return
        _reap()
        channel = socket.socket(fileno=descriptors[0])
        spawn(channel, json.loads(message), shell, isolated=isolation == "bwrap")
        channel.close()


def warm_up() -> Any:
    """Import what notebooks use and draw one figure, so that no fork does it again."""
    import matplotlib.figure
    import matplotlib.pyplot
    import numpy.random
    import torch

    import lossmath.course  # noqa: F401

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    # Looks up what the processor can do, in files that a notebook does not see.
    torch.zeros(1, dtype=torch.float16).float()
    shell = responder.make_shell()
    responder.run_cell(shell, "None")
    shell.reset(new_session=True)
    figure = matplotlib.figure.Figure()
    figure.subplots().plot([0, 1], label="warm")
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    # The same numbers in every notebook and every regrade: forks would share a state anyway.
    numpy.random.seed(0)
    torch.manual_seed(0)
    # A collection in a fork would touch, and so copy, everything that is warm.
    gc.collect()
    gc.freeze()
    _use_huge_pages()
    return shell


def _use_huge_pages() -> None:
    """Move what is warm into pages of 2 MB: a fork copies an entry for each page, and no bytes.

    A wish and no more: a Linux older than 6.1 does not know it, and its forks are only slower.
    """
    with open("/proc/self/maps") as maps:
        for line in maps.readlines():
            addresses, access, _, _, inode, *_ = line.split()
            if access == "rw-p" and inode == "0":
                first, last = (int(address, 16) for address in addresses.split("-"))
                _libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), MADV_COLLAPSE)


def spawn(channel: socket.socket, limits: dict, shell: Any, isolated: bool) -> None:
    """Fork the init process of one notebook."""
    if isolated:
        # Only the next child enters the new namespace, as its process 1.
        _unshare(CLONE_NEWPID)
    if os.fork() == 0:
        _run_and_exit(_init, channel, limits, shell, isolated)
    if isolated:
        _return_to_own_pid_namespace()


def _init(channel: socket.socket, limits: dict, shell: Any, isolated: bool) -> None:
    """Isolate, fork the student's process, report, and live until it ends."""
    os.setsid()  # a signal to the student's process group reaches nobody outside
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # process 1 ignores what it does not handle
    channel = _keep_only(channel)
    try:
        if isolated:
            isolate(limits)
        else:
            limit_resources(limits, namespaced=False)
    except OSError as error:
        channel.sendall(b"-" + wire.plain_text(str(error)).encode())
        return
    student = os.fork()
    if student == 0:
        _run_and_exit(_student, channel, shell)
    _report(channel, student, isolated)
    channel.close()
    while os.waitpid(-1, 0)[0] != student:
        pass


def _report(channel: socket.socket, student: int, isolated: bool) -> None:
    """Hand the trusted side a hold on both processes: its only way to signal them.

    Their numbers in here mean nothing out there, so it gets descriptors of them.
    """
    if isolated:
        holds = [os.pidfd_open(os.getpid()), os.pidfd_open(student)]
        socket.send_fds(channel, [b"+"], holds)
        for hold in holds:
            os.close(hold)
    else:
        channel.sendall(b"+" + struct.pack(">II", os.getpid(), student))


def _student(channel: socket.socket, shell: Any) -> None:
    """The process in which the student's cells run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    random.seed(0)  # Python gives it a new state in every fork
    sys.path.insert(0, "")
    responder.serve(channel, shell)


def _run_and_exit(function: Any, *args: Any) -> NoReturn:
    """A forked child must never return into its parent's code."""
    try:
        function(*args)
    finally:
        os._exit(0)


def _reap() -> None:
    """Collect the init processes that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _keep_only(channel: socket.socket) -> socket.socket:
    """Leave open /dev/null as standard input, output and error, and the notebook's channel."""
    null = os.open("/dev/null", os.O_RDWR)
    moved = os.dup(channel.detach())
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    if moved != CHANNEL:
        os.dup2(moved, CHANNEL, inheritable=False)
    os.closerange(CHANNEL + 1, os.sysconf("SC_OPEN_MAX"))
    return socket.socket(fileno=CHANNEL)


# ---------------------------------------------------------------------------- isolation


def isolate(limits: dict) -> None:
    """Give up everything a notebook does not need. Raises OSError if any of it fails."""
    _unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS)
    _own_folders(limits)
    limit_resources(limits, namespaced=True)
    _drop_bounding_set()
    if limits["uid"] is not None:
        os.setgroups([])
        os.setresgid(limits["uid"], limits["uid"], limits["uid"])
        os.setresuid(limits["uid"], limits["uid"], limits["uid"])
    os.chdir(WORK)
    _drop_capabilities()
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    seccomp.install()


def _own_folders(limits: dict) -> None:
    """Cover every writable folder and /proc with fresh ones of this notebook."""
    _mount("", "/", "", MS_REC | MS_PRIVATE)
    owner = os.geteuid() if limits["uid"] is None else limits["uid"]
    options = f"size={limits['disk_mb']}m,nr_inodes=4096,mode=0700,uid={owner}"
    for folder in ("/tmp", "/dev/shm", WORK):
        _mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, options)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid")


def limit_resources(limits: dict, namespaced: bool) -> None:
    """Limits of the Linux kernel on this process and, one by one, on those it starts."""
    budget = limits["memory_mb"] * MEGABYTE
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, limits["notebook_seconds"])
    _limit(resource.RLIMIT_FSIZE, limits["disk_mb"] * MEGABYTE)
    # The warm interpreter's own memory is not the notebook's.
    _limit(resource.RLIMIT_DATA, _status_bytes("VmData") + budget)
    if namespaced:
        _limit(resource.RLIMIT_AS, _status_bytes("VmSize") + 2 * budget)
        _limit(resource.RLIMIT_NOFILE, limits["files"])
        _limit(resource.RLIMIT_NPROC, limits["processes"])
        _limit(resource.RLIMIT_MSGQUEUE, 0)
    else:
        os.chdir(tempfile.mkdtemp(dir="."))


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _status_bytes(field: str) -> int:
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field + ":"))


# ---------------------------------------------------------------------------- system calls


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def _return_to_own_pid_namespace() -> None:
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    try:
        _check(_libc.setns(own, CLONE_NEWPID), "setns")
    finally:
        os.close(own)


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    texts = [text.encode() for text in (source, target, kind, options)]
    result = _libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])
    _check(result, f"mount {target}")


def _prctl(option: int, *args: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*args, 0, 0, 0, 0)[:4]]
    _check(_libc.prctl(option, *padded), f"prctl {option}")


def _drop_bounding_set() -> None:
    for capability in range(LAST_CAPABILITY + 1):
        try:
            _prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            if capability == 0:
                raise
            return  # past the last capability of this kernel


def _drop_capabilities() -> None:
    """Ambient, inheritable, permitted and effective: all empty."""
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("=Ii", CAPABILITIES_V3, 0)
    _check(_libc.capset(header, bytes(24)), "capset")


def try_isolation() -> None:
    """Isolate as for a notebook, import nothing, print this process's status.

    Arguments: the limits as JSON.
    """
    limits = json.loads(sys.argv[1])
    _unshare(CLONE_NEWPID)
    child = os.fork()
    if child == 0:
        isolate(limits)
        with open("/proc/self/status") as status:
            print(status.read(), flush=True)
        os._exit(0)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
