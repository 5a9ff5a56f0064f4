"""The outer wall: bubblewrap around the warm interpreter, and whether it works here.

What is inside is listed, never what is outside: the interpreter's own folder, the libraries of the
system, the packages a notebook may import, four files of ours, and an empty folder to work in. No
network, no home, no environment, no file of the course.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)

CHECKOUT = Path(__file__).resolve().parent.parent
STARTED_SECONDS = 60.0  # longest start of the warm interpreter
PROBE_SECONDS = 20.0

# What a notebook may import; each brings the folder it is installed in.
PACKAGES = ("IPython", "numpy", "matplotlib", "torch", "ipywidgets")
# The only files of this package that exist inside.
OURS = ("zygote.py", "responder.py", "wire.py", "seccomp.py")
DEVICES = ("null", "zero", "full", "random", "urandom")
ETC = ("ld.so.cache", "localtime")
SYSTEM_LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64")

# Unsharing, mounting, and changing to a fresh user; the student's process keeps none of them.
CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
NOBODY = "65534"

INSTALL = "bubblewrap is not installed: run `apt-get install bubblewrap`"
ONLY_LINUX = "grading needs Linux: run it in a virtual machine, in WSL2 or in a container"
START = (
    "import sys; sys.path += sys.argv.pop().split(':'); "
    "from autograder import zygote; zygote.{function}()"
)
ENVIRONMENT = {
    "PATH": "/usr/bin",
    "LANG": "C.UTF-8",
    "USER": "student",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONDONTWRITEBYTECODE": "1",
}
FOLDERS = {"HOME": "home", "MPLCONFIGDIR": "matplotlib", "IPYTHONDIR": "ipython"}

# Stands in for the package inside; only its `course` part is real.
LOSSMATH = b'''"""lossmath while grading: the course's tools without the losses."""


def __getattr__(name):
    if name == "course":
        import importlib

        return importlib.import_module("lossmath.course")
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        "lossmath's losses are not available while grading: write the function yourself"
    )
'''


class SandboxError(Exception):
    """The sandbox cannot be had; the text is one sentence for the instructor."""


@dataclass(frozen=True)
class Limits:
    """What one notebook's processes may use together, unless said otherwise."""

    memory_mb: int = 1024  # beside the warm interpreter they share
    processes: int = 64  # threads included
    disk_mb: int = 64  # in each of /tmp, /dev/shm and the working folder
    files: int = 64  # open at a time, in each process; sockets hold memory nothing else counts
    notebook_seconds: int = 600  # wall clock of all, and processor time of each

    def for_zygote(self, isolation: str) -> dict:
        uid = fresh_uid() if isolation == "bwrap" and os.geteuid() == 0 else None
        return asdict(self) | {"uid": uid}


@dataclass(frozen=True)
class Availability:
    """What isolation this machine gives: "bwrap", or "none" and the reason."""

    level: str
    reason: str = ""


@dataclass
class Started:
    """A running warm interpreter; `control` takes one message per notebook to fork."""

    process: subprocess.Popen
    control: socket.socket
    folder: tempfile.TemporaryDirectory | None  # where it works without a sandbox

    def close(self) -> None:
        self.control.close()
        self.process.kill()
        self.process.wait()
        if self.folder is not None:
            self.folder.cleanup()


@dataclass
class Command:
    """A program to start: its arguments, environment, descriptors to inherit, own folder."""

    arguments: list[str]
    environment: dict[str, str]
    descriptors: list[int]
    folder: tempfile.TemporaryDirectory | None = None


def start(isolation: str = "bwrap") -> Started:
    """Start the warm interpreter and wait until it can fork. Raises SandboxError.

    `isolation="none"` runs students' code with the rights of whoever grades. The interpreter dies
    with the thread that started it.
    """
    if isolation not in ("bwrap", "none"):
        raise ValueError(f'isolation={isolation!r} must be "bwrap" or "none"')
    _require_linux()
    with contextlib.ExitStack() as stack:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stack.enter_context(theirs)
        complaints = stack.enter_context(tempfile.TemporaryFile())
        arguments = [str(theirs.fileno()), isolation]
        try:
            make = _sandboxed if isolation == "bwrap" else _unprotected
            command = make("main", arguments, stack)
            command.descriptors.append(theirs.fileno())
            process = _spawn(command, complaints)
        except BaseException:
            ours.close()
            raise
        theirs.close()
        started = Started(process, ours, command.folder)
        if not _is_ready(ours):
            started.close()
            complaints.seek(0)
            why = _last_line(complaints.read()) or "no reason was given"
            raise SandboxError(f"the sandbox did not start: {why}")
    return started


def probe() -> Availability:
    """Try the whole isolation on a process of our own and look at what it has left."""
    try:
        _require_linux()
        with contextlib.ExitStack() as stack:
            limits = json.dumps(Limits().for_zygote("bwrap"))
            command = _sandboxed("try_isolation", [limits], stack)
            tried = subprocess.run(
                command.arguments,
                env=command.environment,
                cwd="/",
                pass_fds=command.descriptors,
                capture_output=True,
                timeout=PROBE_SECONDS,
            )
    except SandboxError as error:
        return Availability("none", str(error))
    except (OSError, subprocess.TimeoutExpired) as error:
        return Availability("none", f"bubblewrap cannot be run: {error}")
    if tried.returncode != 0:
        return Availability("none", _last_line(tried.stderr))
    return _judge_status(tried.stdout.decode())


def _judge_status(status: str) -> Availability:
    """Whether the process that printed its /proc/self/status had given up everything."""
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    wanted = {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}
    for field, value in wanted.items():
        if fields.get(field) != value:
            return Availability("none", f"isolation is incomplete: {field} is {fields.get(field)}")
    return Availability("bwrap")


def _require_linux() -> None:
    if sys.platform != "linux":
        raise SandboxError(ONLY_LINUX)


def fresh_uid() -> int:
    """A user id nobody has, from the upper half of the largest range this system maps."""
    ranges = (line.split() for line in Path("/proc/self/uid_map").read_text().splitlines())
    length, first = max((int(length), int(first)) for first, _, length in ranges)
    half = min(length, 1 << 31) // 2
    if half < 1000:
        raise SandboxError("this container maps too few user ids to give each notebook its own")
    return first + half + secrets.randbelow(half - 2)


def _is_ready(control: socket.socket) -> bool:
    control.settimeout(STARTED_SECONDS)
    try:
        return control.recv(16) == b"ready"
    except OSError:  # gone, or too slow
        return False


def _spawn(command: Command, complaints: IO[bytes]) -> subprocess.Popen:
    return subprocess.Popen(
        command.arguments,
        env=command.environment,
        cwd=command.folder.name if command.folder else "/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        pass_fds=command.descriptors,
    )


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


# ---------------------------------------------------------------------------- the command


def _python(function: str, arguments: list[str], folders: Iterable[str]) -> list[str]:
    """Run a function of zygote.py; `folders` are searched after the standard library."""
    executable = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    start = START.format(function=function)
    return [executable, "-S", "-s", "-P", "-c", start, *arguments, ":".join(folders)]


def _environment(home: str) -> dict[str, str]:
    return ENVIRONMENT | {name: os.path.join(home, folder) for name, folder in FOLDERS.items()}


def _unprotected(function: str, arguments: list[str], stack: contextlib.ExitStack) -> Command:
    """The interpreter as it is, working in a temporary folder."""
    log.warning("NO SANDBOX: students' code runs with your rights and can read your files")
    folder = tempfile.TemporaryDirectory(prefix="notebooks-")
    python = _python(function, arguments, [str(CHECKOUT), *sys.path])
    return Command(python, _environment(folder.name), [], folder)


def _sandboxed(function: str, arguments: list[str], stack: contextlib.ExitStack) -> Command:
    """The interpreter inside bubblewrap; `stack` closes our ends of what bubblewrap reads."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxError(INSTALL)
    descriptors: list[int] = []

    def as_file(content: bytes) -> str:
        descriptor = os.memfd_create("sandbox")
        stack.callback(os.close, descriptor)
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        descriptors.append(descriptor)
        return str(descriptor)

    roots = package_roots()
    view = View()
    view.system()
    view.packages(roots)
    view.ours(as_file)
    options = [*_namespaces(), *view.options, "--remount-ro", "/", "--chdir", "/work"]
    for name, value in _environment("/tmp").items():
        options += ["--setenv", name, value]
    # /proc/*/cmdline of every process inside shows what is on the command line: options go
    # through a descriptor instead, and the environment of bubblewrap itself is empty.
    listed = as_file(b"".join(os.fsencode(option) + b"\0" for option in options))
    inside = ["/grader", *(f"/packages/{number}" for number in range(len(roots)))]
    python = _python(function, arguments, inside)
    return Command([bwrap, "--args", listed, *python], {}, descriptors)


def _namespaces() -> list[str]:
    options = ["--die-with-parent", "--new-session", "--hostname", "sandbox"]
    options += [f"--unshare-{kind}" for kind in ("pid", "ipc", "uts", "net", "cgroup-try")]
    if os.geteuid() != 0:
        options += ["--unshare-user", "--uid", NOBODY, "--gid", NOBODY]
    options += ["--cap-drop", "ALL"]
    for capability in CAPABILITIES:
        options += ["--cap-add", capability]
    return options


class View:
    """The files inside, as options of bubblewrap."""

    def __init__(self) -> None:
        self.options: list[str] = []
        self.folders: set[str] = set()

    def system(self) -> None:
        """The system's libraries, the interpreter, devices, and empty folders to write in."""
        for folder in SYSTEM_LIBRARIES:
            if os.path.islink(folder):
                self.options += ["--symlink", os.readlink(folder), folder]
            elif os.path.isdir(folder):
                self.bind(folder, folder)
        prefix = sys.base_prefix
        for folder in (f"{prefix}/lib", f"{prefix}/lib64"):
            if os.path.isdir(folder) and not folder.startswith("/usr/lib"):
                self.bind(folder, folder)
        executable = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
        self.bind(executable, executable)
        for name in ETC:
            if os.path.exists(f"/etc/{name}"):
                self.bind(os.path.realpath(f"/etc/{name}"), f"/etc/{name}")
        self.options += ["--proc", "/proc"]
        self.writable("/dev", megabytes=1)
        for name in DEVICES:
            self.options += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
        self.options += ["--symlink", "/proc/self/fd", "/dev/fd"]
        for folder in ("/dev/shm", "/tmp", "/work"):
            self.writable(folder, megabytes=16)
        self.options += ["--remount-ro", "/dev"]

    def packages(self, roots: list[str]) -> None:
        """Installed packages; ours, which know the right answers, are covered up."""
        for number, root in enumerate(roots):
            self.bind(root, f"/packages/{number}")
            for name in ("lossmath", "autograder"):
                if os.path.isdir(f"{root}/{name}"):
                    self.cover(f"/packages/{number}/{name}")

    def ours(self, as_file) -> None:
        """The code that runs inside, and the part of lossmath that students may use."""
        self.data(as_file(b""), "/grader/autograder/__init__.py")
        for name in OURS:
            self.bind(str(CHECKOUT / "autograder" / name), f"/grader/autograder/{name}")
        self.data(as_file(LOSSMATH), "/grader/lossmath/__init__.py")
        course = CHECKOUT / "lossmath" / "course"
        if course.is_dir():
            self.bind(str(course), "/grader/lossmath/course")
        person = f"student:x:{NOBODY}:{NOBODY}::/tmp:/bin/false\n"
        self.data(as_file(person.encode()), "/etc/passwd")

    def bind(self, source: str, target: str) -> None:
        self.parents(target)
        self.options += ["--ro-bind", source, target]
        # A checkout that lies inside of a bound folder must not come along.
        inside = os.path.relpath(CHECKOUT, os.path.realpath(source))
        if not inside.startswith(".."):
            self.cover(os.path.normpath(f"{target}/{inside}"))

    def data(self, descriptor: str, target: str) -> None:
        self.parents(target)
        self.options += ["--perms", "0444", "--ro-bind-data", descriptor, target]

    def cover(self, target: str) -> None:
        """Put an empty, read-only folder over one that must not be seen."""
        self.writable(target, megabytes=1)
        self.options += ["--remount-ro", target]

    def writable(self, target: str, megabytes: int) -> None:
        """A folder in memory, writable until something covers it or makes it read-only."""
        self.parents(target)
        self.options += ["--size", str(megabytes << 20), "--perms", "0755", "--tmpfs", target]

    def parents(self, target: str) -> None:
        """Make the folders above, open to all: bubblewrap's own would be root's alone."""
        for folder in reversed([str(parent) for parent in Path(target).parents][:-1]):
            if folder not in self.folders:
                self.folders.add(folder)
                self.options += ["--perms", "0755", "--dir", folder]


def package_roots() -> list[str]:
    """The folders in which the packages a notebook may import are installed."""
    return list(dict.fromkeys(_roots()))


def _roots() -> Iterator[str]:
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise SandboxError(f"{name} is not installed: run `make test` or `make demo` once")
        yield str(Path(found.origin).resolve().parent.parent)
