"""Attempts to act outside: files, network, processes."""

from tests.hostile.attack import FULL, Attack, answered, unanswered

WRITE_EVERYWHERE = """
import os

home = os.path.expanduser("~")
targets = [
    os.path.join(home, name)
    for name in (".bashrc", ".profile", ".ipython/profile_default/startup/00-first.py")
]
here = os.getcwd()
for _ in range(5):
    here = os.path.dirname(here)
    targets += [
        os.path.join(here, name)
        for name in ("nbgrader_config.py", "sitecustomize.py", "source/losses/own.py", "secret")
    ]
for path in targets:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a") as file:
            file.write("# written by a student\\n")
    except OSError as error:
        print(error)
"""
OTHERS = """
import glob, os

here = os.getcwd()
while here != "/":
    here = os.path.dirname(here)
    for path in glob.glob(here + "/submitted/*honest*/*/*.ipynb"):
        print("WROTE", path)
        open(path, "w").write("{}")
"""
GRADEBOOK = """
import glob, os, sqlite3

here = os.getcwd()
while here != "/":
    here = os.path.dirname(here)
    for path in glob.glob(here + "/gradebook.db"):
        book = sqlite3.connect(path, timeout=2)
        book.execute("update grade set manual_score = 3, needs_manual_grade = 0")
        book.commit()
        print("WROTE", path)
"""
CONNECT = """
import socket

for port in range(47170, 47180):
    for address in ("127.0.0.1", "::1"):
        try:
            socket.create_connection((address, port), timeout=0.5).sendall(b"answers, please")
            print("REACHED", address, port)
        except OSError as error:
            reason = error
print(reason)
try:
    print("REACHED", socket.getaddrinfo("example.org", 80))
except OSError as error:
    print(error)
"""
OTHER_SOCKETS = """
import socket

try:
    local = socket.socket(socket.AF_UNIX)
    local.connect("\\0hostile-listener")
    print("REACHED the listener")
except OSError as error:
    print(error)
for family in ("AF_VSOCK", "AF_NETLINK", "AF_PACKET", "AF_BLUETOOTH", "AF_CAN", "AF_ALG"):
    try:
        socket.socket(getattr(socket, family), socket.SOCK_RAW)
        print("OPENED", family)
    except (AttributeError, OSError) as error:
        print(family, error)
"""
DAEMON = """
import ctypes, os, signal, time

if os.fork() == 0:
    os.setsid()
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, b"hostile-left", 0, 0, 0)
        os.closerange(0, 64)
        time.sleep(600)
    os._exit(0)
"""
NAMESPACES = """
import ctypes, errno, os

libc = ctypes.CDLL(None, use_errno=True)
calls = {
    "unshare": lambda: libc.unshare(0x10000000),
    "mount": lambda: libc.mount(b"/", b"/tmp", b"none", 4096, None),
    "pivot_root": lambda: libc.syscall(155, b"/tmp", b"/tmp"),
    "setuid": lambda: libc.setuid(0),
    "keyctl": lambda: libc.syscall(250, 0, -3, 0),
    "open_by_handle_at": lambda: libc.syscall(304, -100, 0, 0),
    "memfd_create": lambda: libc.memfd_create(b"x", 0),
    "bpf": lambda: libc.syscall(321, 0, 0, 0),
    "io_uring_setup": lambda: libc.syscall(425, 1, 0),
}
for name, call in calls.items():
    if name != "memfd_create" and call() >= 0:
        print("ALLOWED", name)
print(sorted(os.listdir("/proc")))
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel"):
    if os.path.exists(path):
        print("READ", path)
"""
SHARED_STORES = """
import ctypes, errno, os

libc = ctypes.CDLL(None, use_errno=True)
context = ctypes.create_string_buffer(64)
calls = {
    "io_setup": (206, 60_000, context),
    "add_key": (248, b"user", b"x", b"x", 1, -2),
    "perf_event_open": (298, context, 0, -1, -1, 0),
    "userfaultfd": (323, 0),
    "fanotify_init": (300, 0, 0),
    "kcmp": (312, os.getpid(), os.getppid(), 0, 0, 0),
    "pidfd_getfd": (438, 3, 0, 0),
    "settimeofday": (164, context, 0),
    "ioprio_set": (251, 1, 0, 1 << 13),
    "sched_setscheduler": (144, 0, 1, ctypes.byref(ctypes.c_int(1))),
    "setpriority": (141, 0, 0, -5),
    "clone": (56, 0x10000000 | 17, 0, 0, 0, 0),
    "clone3": (435, context, 64),
    "x32": (0x40000000 | 39,),
}
for name, (number, *arguments) in calls.items():
    if libc.syscall(number, *arguments) >= 0:
        print("ALLOWED", name)
"""
OTHER_MACHINE = """
import ctypes, mmap, os

if os.fork() == 0:
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex("b814000000cd80c3"))  # getpid, as 32-bit programs ask for it
    ask = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    os._exit(ask() == os.getpid())
if os.waitstatus_to_exitcode(os.wait()[1]) == 1:
    print("ALLOWED a system call of another machine")
"""
MARKS = """
import os, socket, time

own = os.urandom(8).hex()
held = socket.socket(socket.AF_UNIX)
try:
    held.bind("\\0mark-of-a-notebook")
except OSError:
    print("FOUND the socket of another notebook")
for folder in ("/tmp", "/dev/shm", "/work", ".", "/var/tmp", "/run", "/dev/mqueue", "/grader"):
    try:
        open(f"{folder}/mark-{own}", "w").close()
    except OSError:
        pass
for _ in range(10):
    for folder in ("/tmp", "/dev/shm", "/work", ".", "/var/tmp", "/run", "/proc", "/dev/mqueue"):
        names = os.listdir(folder) if os.path.isdir(folder) else []
        if any(name.startswith("mark-") and own not in name for name in names):
            print("FOUND the mark of another notebook in", folder)
    time.sleep(0.1)
"""
TERMINAL = """
import fcntl, os, termios

for path in ("/dev/tty", "/dev/console", "/dev/ptmx", "/dev/pts/0"):
    try:
        terminal = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        for letter in b"touch ~/pushed\\n":
            fcntl.ioctl(terminal, termios.TIOCSTI, bytes([letter]))
        print("WROTE", path)
    except OSError as error:
        print(path, error)
"""
NEXT_NOTEBOOK = """
import builtins, glob, os, sys
import numpy

numpy.mean = builtins.sum = lambda *arguments, **options: 0.0
os.environ["PYTHONSTARTUP"] = "/tmp/own.py"
for folder in ("/tmp", "/dev/shm", "/work", "/grader", "/packages/0", sys.prefix, sys.path[-1]):
    for name in ("numpy.py", "sitecustomize.py", "own.py"):
        try:
            open(os.path.join(folder, name), "w").write("raise SystemExit('shadowed')")
        except OSError:
            pass
"""

ATTACKS = (
    Attack("writes", "writes into home, course and configuration", answered(WRITE_EVERYWHERE)),
    Attack("overwrites-others", "overwrites other submissions", answered(OTHERS)),
    Attack(
        "writes-gradebook",
        "gives itself points in the gradebook",
        unanswered(GRADEBOOK),
        0,
        "is not defined",
    ),
    Attack("connects", "connects to the machine and the world", answered(CONNECT)),
    Attack("other-sockets", "connects by other kinds of socket", answered(OTHER_SOCKETS)),
    Attack("daemon", "leaves a process behind", answered(DAEMON)),
    Attack("system-calls", "asks the system for more rights", answered(NAMESPACES)),
    Attack("shared-stores", "takes what all processes share", answered(SHARED_STORES)),
    Attack("other-machine", "asks the system as another machine does", answered(OTHER_MACHINE)),
    Attack("marks", "leaves marks for another notebook", answered(MARKS)),
    Attack("marks-too", "looks for the marks of another notebook", answered(MARKS)),
    Attack("terminal", "types into the instructor's terminal", answered(TERMINAL)),
    Attack(
        "next-notebook", "tampers with whoever runs next", answered(NEXT_NOTEBOOK), FULL, up_to=1
    ),
)
