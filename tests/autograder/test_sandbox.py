"""What students' code can see and do from inside: each test is an attempt."""

import errno
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import sandbox, seccomp
from autograder.kernel import Zygote
from tests.autograder.conftest import SECRET
from tests.autograder.inside import printed

AS_ROOT = os.geteuid() == 0


# ------------------------------------------------------------------ who the process is


def test_no_capability_and_no_way_to_regain_one(kernel):
    status = printed(kernel, "print(open('/proc/self/status').read())")
    fields = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[name], 16) == 0, name
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user has one user id to give")
def test_each_notebook_has_a_user_of_its_own_and_no_group(zygote):
    users = []
    for _ in range(2):
        with zygote.kernel() as kernel:
            shown = printed(kernel, "import os; print(os.getresuid(), os.getgroups())")
            uid = shown.split(",")[0].strip("(")
            assert shown == f"({uid}, {uid}, {uid}) []"
            users.append(int(uid))
    assert users[0] != users[1] and min(users) > 1000


def test_only_the_channel_and_standard_streams_are_open(kernel):
    source = """
    import os
    for fd in sorted(map(int, os.listdir('/proc/self/fd'))):
        try: print(fd, os.readlink(f'/proc/self/fd/{fd}').split(':')[0])
        except OSError: pass  # the listing itself
    """
    assert printed(kernel, source) == "0 /dev/null\n1 /dev/null\n2 /dev/null\n3 socket"


# ------------------------------------------------------------------ what it sees


def test_the_course_and_the_home_folder_are_not_there(kernel, tmp_path):
    marker = tmp_path / "gradebook.db"
    marker.write_text("scores")
    hidden = [marker, sandbox.CHECKOUT, sandbox.CHECKOUT / "solutions", Path(__file__)]
    hidden += [Path.home() / ".ssh", Path("/etc/shadow"), Path("/home"), Path("/var"), Path("/bin")]
    source = f"import os; print([p for p in {list(map(str, hidden))} if os.path.exists(p)])"
    assert printed(kernel, source) == "[]"


def test_the_view_holds_only_what_was_listed(kernel):
    source = """
    import os
    known = {'/usr/lib', '/usr/lib64', '/lib', '/lib64', '/proc', '/dev', '/packages', '/grader'}
    for folder, folders, files in os.walk('/'):
        folders[:] = [f for f in folders if os.path.join(folder, f) not in known]
        for name in files: print(os.path.join(folder, name))
    """.replace("'/proc'", f"'/proc', '{sys.base_prefix}/lib'")
    files = set(printed(kernel, source).splitlines())
    interpreter = os.path.realpath(sys._base_executable)
    assert files - {"/etc/localtime", "/etc/ld.so.cache"} == {"/etc/passwd", interpreter}


def test_nothing_that_knows_the_answers_can_be_imported(kernel):
    source = """
    import autograder, importlib.util, os
    print(sorted(os.listdir(os.path.dirname(autograder.__file__))))
    print(importlib.util.find_spec('autograder.kernel'), importlib.util.find_spec('lossmath.loss'))
    """
    ours = sorted(["__init__.py", *sandbox.OURS])
    assert printed(kernel, source) == f"{ours}\nNone None"


def test_lossmath_says_why_its_losses_are_missing(kernel):
    run = kernel.execute("from lossmath import Huber")
    assert run.outputs[0]["ename"] == "ImportError"
    assert run.outputs[0]["evalue"].startswith("lossmath's losses are not available while grading")


def test_bubblewrap_itself_knows_no_environment_and_shows_no_option(zygote):
    process = Path(f"/proc/{zygote._start().process.pid}")
    assert (process / "environ").read_bytes() == b""
    assert str(sandbox.CHECKOUT).encode() not in (process / "cmdline").read_bytes()


def test_the_hosts_environment_and_processes_are_out_of_sight(kernel):
    assert os.environ["GRADER_SECRET"] == SECRET
    source = """
    import glob, os
    print(os.environ)
    print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))
    for name in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline'):
        try: print(open(name).read())
        except OSError: pass
    """
    shown = printed(kernel, source)
    assert SECRET not in shown and str(sandbox.CHECKOUT) not in shown
    assert "[1, 2]" in shown  # its own init and itself


def test_the_init_process_cannot_be_looked_into(kernel):
    source = """
    for name in ('mem', 'environ', 'maps', 'stack', 'fd/3', 'root/etc/passwd', 'cwd/x'):
        try: print(name, open(f'/proc/1/{name}', 'rb').read(10))
        except OSError as error: print(name, error.errno)
    """
    refused = {errno.EACCES, errno.EPERM}
    for line in printed(kernel, source).splitlines():
        assert int(line.split()[1]) in refused, line


# ------------------------------------------------------------------ what it can write


def test_it_writes_only_into_its_own_empty_folders(kernel):
    source = """
    import os, sys
    for folder in ('/', '/usr/lib', '/etc', '/dev', '/grader', '/grader/autograder',
                   '/packages', '/packages/0', '/packages/0/numpy', '/proc', '/proc/1',
                   os.path.dirname(os.__file__), '/work', '/tmp', '/dev/shm'):
        try: open(os.path.join(folder, 'x'), 'w').close(); print(folder)
        except OSError: pass
    """
    assert printed(kernel, source).split() == ["/work", "/tmp", "/dev/shm"]


def test_the_disk_is_bounded(kernel):
    source = """
    written = 0
    for number in range(100):
        try:
            with open(f'/tmp/{number}', 'wb') as file: written += file.write(bytes(4 << 20))
        except OSError as error: print(error.errno); break
    print(written >> 20)
    for number in range(10_000):
        try: open(f'/dev/shm/{number}', 'w').close()
        except OSError as error: print(error.errno, number < 5_000); break
    """
    assert printed(kernel, source) == f"{errno.ENOSPC}\n64\n{errno.ENOSPC} True"


def test_covered_packages_stay_empty_and_read_only(monkeypatch, tmp_path):
    (tmp_path / "lossmath").mkdir()
    (tmp_path / "lossmath" / "answers.py").write_text("mse = 1")
    (tmp_path / "lossmath").chmod(0o777)
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents[:-1]:
        if folder.owner() == tmp_path.owner() and folder != Path("/tmp"):
            folder.chmod(0o755)
    roots = [*sandbox.package_roots(), str(tmp_path)]
    monkeypatch.setattr(sandbox, "package_roots", lambda: roots)
    with Zygote() as zygote, zygote.kernel() as kernel:
        source = f"""
        import os
        folder = '/packages/{len(roots) - 1}/lossmath'
        print(os.listdir(folder))
        try: open(folder + '/x', 'w')
        except OSError as error: print(error.errno in ({errno.EROFS}, {errno.EACCES}))
        """
        assert printed(kernel, source) == "[]\nTrue"


def test_a_checkout_inside_of_a_listed_folder_is_covered(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox, "CHECKOUT", tmp_path / "lib" / "course")
    view = sandbox.View()
    view.bind(str(tmp_path / "lib"), "/listed")
    assert view.options[-2:] == ["--remount-ro", "/listed/course"]
    assert "--tmpfs" in view.options


# ------------------------------------------------------------------ what the kernel refuses


def test_there_is_no_network(kernel):
    source = """
    import socket
    for family in ('AF_INET', 'AF_INET6', 'AF_NETLINK', 'AF_VSOCK', 'AF_PACKET', 'AF_ALG'):
        try: socket.socket(getattr(socket, family), socket.SOCK_DGRAM); print(family)
        except PermissionError: pass
    socket.socketpair(); socket.socket(socket.AF_UNIX); print('local only')
    """
    assert printed(kernel, source) == "local only"


def test_every_listed_system_call_is_refused(kernel):
    numbers = {name: pair[seccomp.machine()] for name, pair in seccomp.REFUSED.items()}
    source = f"""
    import ctypes
    call = ctypes.CDLL(None, use_errno=True).syscall
    for name, number in {numbers}.items():
        if number is not None and (call(number, 0, 0, 0, 0, 0, 0), ctypes.get_errno()) != (-1, 1):
            print(name, ctypes.get_errno())
    print('done')
    """
    assert printed(kernel, source) == "done"


def test_new_namespaces_are_refused_by_every_door(kernel):
    machine = seccomp.machine()
    source = f"""
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    def attempt(*args):
        result = libc.syscall(*args)
        if result == 0: os._exit(0)  # a child nobody wanted
        print(result, ctypes.get_errno())
    for flags in (0x10000000, 0x20000000, 0x40000000, 0x20000, 0x80, 0x02000000):
        attempt({seccomp.CLONE[machine]}, flags | 17, 0, 0, 0, 0)
    attempt({seccomp.CLONE3[machine]}, 0, 0)
    print(libc.unshare(0x10000000), ctypes.get_errno())
    """
    refused = [f"-1 {errno.EPERM}"] * 6 + [f"-1 {errno.ENOSYS}", f"-1 {errno.EPERM}"]
    assert printed(kernel, source).splitlines() == refused


def test_notebooks_side_by_side_cannot_meet(zygote):
    with zygote.kernel() as one, zygote.kernel() as other:
        printed(
            one,
            """
            import os, socket
            server = socket.socket(socket.AF_UNIX); server.bind('\\0meet'); server.listen()
            open('/tmp/note', 'w').write('hello'); open('/dev/shm/note', 'w').write('hello')
            """,
        )
        source = """
        import os, socket
        try: socket.socket(socket.AF_UNIX).connect('\\0meet'); print('met')
        except ConnectionRefusedError: print('alone')
        print(os.listdir('/tmp'), os.listdir('/dev/shm'), os.listdir('/work'))
        """
        assert printed(other, source) == "alone\n[] [] []"


def test_notebooks_share_no_namespace(zygote):
    source = """
    import os
    for kind in ('ipc', 'mnt', 'net', 'pid', 'uts'): print(os.readlink(f'/proc/self/ns/{kind}'))
    """
    with zygote.kernel() as one, zygote.kernel() as other:
        seen = [*printed(one, source).splitlines(), *printed(other, source).splitlines()]
    assert len(set(seen)) == 2 * 5


# ------------------------------------------------------------------ the filter, on both machines


def verdict(program: bytes, number: int, argument: int = 0, column: int = seccomp.X86_64) -> int:
    """Run a classic BPF program over a struct seccomp_data, as the Linux kernel would."""
    import struct

    data = struct.pack("=IIQQ", number, seccomp.AUDIT_ARCH[column], 0, argument)
    steps = list(struct.iter_unpack("=HBBI", program))
    loaded = at = 0
    while True:
        code, jump, otherwise, operand = steps[at]
        at += 1
        if code == seccomp.RETURN:
            return operand
        if code == seccomp.LOAD:
            (loaded,) = struct.unpack_from("=I", data, operand)
        else:
            passed = {
                seccomp.IF_EQUAL: loaded == operand,
                seccomp.IF_ABOVE: loaded > operand,
                seccomp.IF_BITS: bool(loaded & operand),
            }[code]
            at += jump if passed else otherwise


# read, write, openat, exit_group, futex, mmap of each machine
ALLOWED = {seccomp.X86_64: (0, 1, 257, 231, 202, 9), seccomp.AARCH64: (63, 64, 56, 94, 98, 222)}


@pytest.mark.parametrize("column", [seccomp.X86_64, seccomp.AARCH64])
def test_the_filter_of_each_machine(column):
    program = seccomp.program(column)

    def of(number, argument=0):
        return verdict(program, number, argument, column)

    refused = seccomp.FAIL | errno.EPERM
    for name, numbers in seccomp.REFUSED.items():
        if numbers[column] is not None:
            assert of(numbers[column]) == refused, name
    assert {of(number) for number in ALLOWED[column]} == {seccomp.ALLOW}
    thread = 0x3D0F00  # what pthread_create asks for
    assert of(seccomp.CLONE[column], thread) == seccomp.ALLOW
    assert of(seccomp.CLONE[column], thread | 0x10000000) == refused
    assert of(seccomp.CLONE3[column]) == of(9999) == seccomp.FAIL | errno.ENOSYS
    assert of(seccomp.SOCKET[column], 1) == of(seccomp.SOCKETPAIR[column], 1) == seccomp.ALLOW
    assert of(seccomp.SOCKET[column], 2) == of(seccomp.SOCKET[column], 40) == refused
    assert of(seccomp.X32_BIT | 1) == refused
    assert verdict(program, 0, 0, 1 - column) == seccomp.KILL


# ------------------------------------------------------------------ whether there is a sandbox


def test_the_sandbox_is_tried_and_holds():
    assert sandbox.probe() == sandbox.Availability("bwrap")


def test_without_bubblewrap_grading_fails_closed_and_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert sandbox.probe().level == "none"
    assert "apt-get install bubblewrap" in sandbox.probe().reason
    with pytest.raises(sandbox.SandboxError, match="apt-get install bubblewrap"):
        Zygote().kernel()


def test_a_bubblewrap_that_may_not_work_here_fails_closed_with_its_own_words(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert sandbox.probe().reason == "bwrap: No permissions to create new namespace"
    with pytest.raises(sandbox.SandboxError, match="No permissions to create new namespace"):
        Zygote().kernel()


def test_isolation_none_works_and_is_logged_loudly(caplog):
    with caplog.at_level(logging.WARNING), Zygote("none") as zygote, zygote.kernel() as kernel:
        kernel.execute("def twice(x): return 2 * x")
        assert kernel.ask("twice", 4).value == 8
        assert kernel.execute("while True: pass", timeout=0.3).timed_out
        assert kernel.ask("twice", 4).value == 8
    assert "NO SANDBOX" in caplog.text


def test_an_unknown_isolation_is_refused():
    with pytest.raises(ValueError, match="isolation='docker' must be"):
        Zygote("docker").kernel()


# ------------------------------------------------------------------ as an ordinary user


def ordinary_user_command() -> list[str]:
    """An interpreter that a user without rights can run, as that user."""
    for python in (sys._base_executable, "/usr/bin/python3"):
        command = [shutil.which("setpriv"), "--reuid=12345", "--regid=12345", "--clear-groups"]
        check = "import os, sys; print(os.access(sys.executable, os.R_OK) and sys.version_info[:2])"
        command += [python, "-c", check]
        tried = subprocess.run(command, capture_output=True, text=True, cwd="/")
        if tried.stdout.strip() == str(sys.version_info[:2]):
            return command[:-2]
    pytest.skip("no interpreter of this version can be read by an ordinary user")


@pytest.mark.skipif(not AS_ROOT, reason="then all other tests run as an ordinary user already")
def test_the_same_walls_stand_for_an_ordinary_user():
    script = Path(__file__).with_name("as_user.py")
    path = os.pathsep.join([*sandbox.package_roots(), str(sandbox.CHECKOUT)])
    result = subprocess.run(
        [*ordinary_user_command(), str(script)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert seen["level"] == "bwrap"
    assert seen["status"] == ["0000000000000000"] * 5 + ["1", "2"]
    assert seen["exists"] == []
    assert seen["written"] == ["/work", "/tmp", "/dev/shm"]
    assert seen["refused"] == ["EPERM", "EPERM", "EPERM", "EPERM"]
    assert seen["processes"] == [1, 2]
    assert seen["killed_everyone"] == "alive or ended alone"
    assert "MB of memory" in seen["memory"]
    assert seen["afterwards"] == 8


def test_this_machine_is_in_the_tables():
    assert platform.machine() in ("x86_64", "aarch64")
    assert seccomp.machine() == ["x86_64", "aarch64"].index(platform.machine())
