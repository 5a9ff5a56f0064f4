"""The system calls a student's process is refused, as a filter the kernel runs on each call.

Written with ctypes because libseccomp is not everywhere. A refused call fails with an error
number, so honest code that merely tries one gets an ordinary OSError.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

# Numbers of the refused calls, from Linux's syscall tables. A call that only one machine has is
# None on the other.
X86_64, AARCH64 = 0, 1
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # other processes' memory and descriptors
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    # namespaces and mounts
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    # parts of the kernel with a long record of holes and no use in a notebook
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_setup": (206, 0),  # takes from a store that the whole machine shares
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "userfaultfd": (323, 282),
    "vmsplice": (278, 75),
    "lookup_dcookie": (212, 18),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "mbind": (237, 235),
    # memory that no limit of the sandbox counts
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmdt": (67, 197),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182),
    "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185),
    # the machine as a whole
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
}
CLONE = (56, 220)
CLONE3 = (435, 435)
SOCKET = (41, 198)
SOCKETPAIR = (53, 199)
NEWEST_KNOWN = 462  # mseal; a call younger than this list does not exist for a student

AUDIT_ARCH = (0xC000003E, 0xC00000B7)
X32_BIT = 0x40000000  # the second set of numbers that x86-64 kernels may answer to
# CLONE_NEW* of time, mount, cgroup, UTS, IPC, user, PID and network namespaces
NEW_NAMESPACES = 0x80 | 0x20000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x70000000
AF_UNIX = 1

# Where the filter finds things in struct seccomp_data (little-endian).
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16

# Opcodes of classic BPF
LOAD, RETURN = 0x20, 0x06
IF_EQUAL, IF_ABOVE, IF_BITS = 0x15, 0x25, 0x45
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000


def machine() -> int:
    """Which column of the tables is this machine's. Raises OSError for any other machine."""
    machines = {"x86_64": X86_64, "aarch64": AARCH64}
    if platform.machine() not in machines:
        raise OSError(f"there is no system call table for {platform.machine()}")
    return machines[platform.machine()]


def program(column: int) -> bytes:
    """The filter for the machine in `column`, as an array of struct sock_filter."""
    refuse = FAIL | errno.EPERM
    absent = FAIL | errno.ENOSYS
    steps = [
        (LOAD, 0, 0, ARCHITECTURE),
        (IF_EQUAL, 1, 0, AUDIT_ARCH[column]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        *_when(IF_ABOVE, X32_BIT - 1, refuse),
        *_when(IF_ABOVE, NEWEST_KNOWN, absent),
        # Its flags lie behind a pointer, where a filter cannot look; libc then uses clone.
        *_when(IF_EQUAL, CLONE3[column], absent),
    ]
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            steps += _when(IF_EQUAL, number, refuse)
    steps += _when_argument(CLONE[column], [*_when(IF_BITS, NEW_NAMESPACES, refuse)])
    for number in (SOCKET[column], SOCKETPAIR[column]):
        only_unix = [(IF_EQUAL, 1, 0, AF_UNIX), (RETURN, 0, 0, refuse)]
        steps += _when_argument(number, only_unix)
    steps.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _when(test: int, operand: int, verdict: int) -> list[tuple]:
    """Return `verdict` if the loaded word passes the test, else go on."""
    return [(test, 0, 1, operand), (RETURN, 0, 0, verdict)]


def _when_argument(number: int, tests: list[tuple]) -> list[tuple]:
    """Run `tests` on the first argument of call `number`; what they let pass is allowed."""
    body = [(LOAD, 0, 0, FIRST_ARGUMENT), *tests, (RETURN, 0, 0, ALLOW)]
    return [(IF_EQUAL, 0, len(body), number), *body]


class _Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def install() -> None:
    """Filter this process and its descendants for good. Raises OSError.

    The process must have set no_new_privs.
    """
    code = program(machine())
    libc = ctypes.CDLL(None, use_errno=True)
    argument = _Program(len(code) // 8, code)
    set_seccomp, mode_filter = 22, 2
    if libc.prctl(set_seccomp, mode_filter, ctypes.byref(argument), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")
