"""Inside the student's process: run the notebook's cells and answer questions about its functions.

A courtesy to honest code and no more: it holds no secret and decides nothing. A student who
replaces all of it can send any numbers, and still needs the right ones.
"""

from __future__ import annotations

import builtins
import contextlib
import getpass
import io
import signal
import socket
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from autograder import wire

# Functions keep the built-ins they were made with, so a notebook that replaces `builtins.len`
# does not break the answers of its other functions.
globals()["__builtins__"] = dict(vars(builtins))

CUT = f"\n[output cut after {wire.CELL_TEXT} characters]\n"


# ---------------------------------------------------------------------------- questions


class Failed(Exception):
    """The student's function gave nothing to send; holds the reason's key and its parts."""

    def __init__(self, reason: str, *parts: str):
        super().__init__(reason)
        self.reason = reason
        self.parts = list(parts)


def reply_to_question(namespace: Mapping[str, Any], payload: bytes) -> bytes:
    """Answer one `wire.Question` with the functions found in `namespace`."""
    # The warm-up works on copies of its own: right on the first call only is not right.
    warm_up, question = (wire.decode_question(payload) for _ in range(2))
    number = question.number
    try:
        with _silence():
            function = _find(namespace, question.function)
            _call(function, warm_up)
            reply = wire.dump({"n": number} | _answer(function, question))
        if len(reply) > wire.ANSWER_BYTES:
            raise Failed("too_large", str(wire.ANSWER_BYTES))
    except Failed as failed:
        reply = wire.dump({"n": number, failed.reason: failed.parts})
    return reply


def _answer(function: Callable, question: wire.Question) -> dict[str, Any]:
    """The first result; the second, and the inputs after both, where these are others."""
    sent = wire.encode(question.inputs)
    # Encoded before the second call, which may write into the object that the first returned.
    value = _encode(_call(function, question), "unsupported")
    repeat = _encode(_call(function, question), "unsupported")
    inputs = _encode(question.inputs, "arguments")
    return (
        {"answer": value}
        | ({} if _same(value, repeat) else {"repeat": repeat})
        | ({} if _same(sent, inputs) else {"inputs": inputs})
    )


def _same(one: Any, other: Any) -> bool:
    return wire.dump({"v": one}) == wire.dump({"v": other})  # but True == 1


def _find(namespace: Mapping[str, Any], name: str) -> Callable:
    if name not in namespace:
        raise Failed("missing")
    function = namespace[name]
    if not callable(function):
        raise Failed("not_callable", wire.with_article(type(function).__name__))
    return function


def _call(function: Callable, question: wire.Question) -> Any:
    try:
        with _closing_figures():
            return function(*question.args, **question.kwargs)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a student raises is an answer, SystemExit too
        name = type(error).__name__
        text = _text_of(error)
        raise (Failed("raised", name, text) if text else Failed("raised_silently", name)) from None


def _text_of(error: BaseException) -> str:
    try:
        return wire.plain_text(str(error))
    except BaseException:
        return ""


def _encode(value: Any, reason: str) -> Any:
    try:
        return wire.encode(value)
    except wire.Unsupported as error:
        raise Failed(reason, wire.plain_text(str(error))) from None


class _Sink(io.TextIOBase):
    """Takes what a function prints while it is asked; nobody reads it."""

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def _silence():
    with contextlib.redirect_stdout(_Sink()), contextlib.redirect_stderr(_Sink()):
        yield


@contextlib.contextmanager
def _closing_figures():
    """As after every cell of a notebook: `plt.plot` begins a new figure in the next call.

    The warm-up closes what the student's cells left open.
    """
    try:
        yield
    finally:
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot:
            pyplot.close("all")


# ---------------------------------------------------------------------------- outputs of a cell


class Outputs:
    """The outputs of one cell in notebook format, bounded while they are made."""

    def __init__(self) -> None:
        self.items: list[dict] = []
        self.text_left = wire.CELL_TEXT
        self.displays_left = wire.CELL_DISPLAYS
        self.picture_left = wire.CELL_PICTURE_BYTES

    def stream(self, name: str, text: str) -> None:
        text = self._bounded(text)
        if not text:
            return
        last = self.items[-1] if self.items else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["parts"].append(text)
        else:
            self._append({"output_type": "stream", "name": name, "parts": [text]})

    def display(self, data: Mapping, count: int | None = None) -> None:
        """A display, or with an execution `count` the result of the cell's last expression."""
        self.displays_left -= 1
        if self.displays_left < 0:
            return
        kept = {wire.PLAIN: self._bounded(str(data[wire.PLAIN]))} if wire.PLAIN in data else {}
        kept |= {kind: text for kind in wire.PICTURES if (text := self._picture(data.get(kind)))}
        output: dict = {"output_type": "display_data", "data": kept, "metadata": {}}
        if count is not None:
            output |= {"output_type": "execute_result", "execution_count": count}
        self._append(output)

    def error(self, name: str, text: str, traceback: list[str]) -> None:
        self._append(
            {
                "output_type": "error",
                "ename": wire.plain_text(name, 80),
                "evalue": self._bounded(text),
                "traceback": [self._bounded(part) for part in traceback],
            }
        )

    def clear(self) -> None:
        """What `clear_output` asks for; the room already used is not given back."""
        self.items.clear()

    def as_list(self) -> list[dict]:
        return [_joined(item) for item in self.items]

    def _append(self, item: dict) -> None:
        if len(self.items) < wire.CELL_OUTPUTS:
            self.items.append(item)

    def _bounded(self, text: str) -> str:
        if self.text_left < 0:
            return ""
        self.text_left -= len(text)
        kept = text if self.text_left >= 0 else text[: self.text_left] + CUT
        return kept.encode("utf-8", "replace").decode("utf-8")

    def _picture(self, data: Any) -> str:
        if isinstance(data, bytes):
            data = b64encode(data).decode("ascii")
        if not isinstance(data, str) or len(data) * 3 // 4 > min(
            wire.PICTURE_BYTES, self.picture_left
        ):
            return ""
        self.picture_left -= len(data) * 3 // 4
        return "".join(data.split())


def _joined(item: dict) -> dict:
    if item["output_type"] != "stream":
        return item
    return {"output_type": "stream", "name": item["name"], "text": "".join(item["parts"])}


class Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a cell."""

    encoding = "utf-8"

    def __init__(self, name: str, outputs: Outputs):
        self.stream_name = name
        self.outputs = outputs

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.outputs.stream(self.stream_name, str(text))
        return len(text)


# ---------------------------------------------------------------------------- the shell


def make_shell():
    """An IPython shell that records outputs instead of printing them.

    IPython is imported here, not above: whoever only answers questions does without it.
    """
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets import Type
    from traitlets.config import Config

    class Result(DisplayHook):
        shell: Any

        def start_displayhook(self):
            pass

        def write_output_prompt(self):
            pass

        def write_format_data(self, format_dict, md_dict=None):
            self.shell.outputs.display(format_dict, count=self.prompt_count)

        def finish_displayhook(self):
            pass

    class Publisher(DisplayPublisher):
        shell: Any

        def publish(self, data, *args, update=False, **kwargs):
            if not update:
                self.shell.outputs.display(data)

        def clear_output(self, wait=False):
            self.shell.outputs.clear()

    class Shell(InteractiveShell):
        displayhook_class = Type(Result)
        display_pub_class = Type(Publisher)
        outputs = Outputs()

        def _showtraceback(self, etype, evalue, stb):
            self.outputs.error(
                etype.__name__, _text_of(evalue), self.InteractiveTB.stb2text(stb).splitlines()
            )

        def enable_gui(self, gui=None):
            """There is no event loop to join."""

        def enable_matplotlib(self, gui=None):
            """Figures always become pictures, whichever backend a notebook asks for."""
            return super().enable_matplotlib("inline")

        def system(self, cmd):
            print("Shell commands are not available while grading.", file=sys.stderr)

        def ask_exit(self):
            print("quit() and exit() do nothing while grading.", file=sys.stderr)

    config = Config()
    config.HistoryManager.enabled = False  # no database, no thread that a fork would lose
    config.InteractiveShell.colors = "nocolor"
    shell = Shell.instance(config=config)
    shell.enable_matplotlib()
    builtins.input = getpass.getpass = _no_input
    return shell


def _no_input(*args: Any, **kwargs: Any) -> str:
    raise RuntimeError("input() is not available while grading: give the value in the code")


def run_cell(shell: Any, source: str) -> dict:
    """Run one cell; returns its outputs and whether it ended without an error."""
    shell.outputs = outputs = Outputs()
    streams = Stream("stdout", outputs), Stream("stderr", outputs)
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        result = shell.run_cell(source, store_history=True)
    return {"outputs": outputs.as_list(), "ok": bool(result.success)}


# ---------------------------------------------------------------------------- the loop


def serve(channel: socket.socket, shell: Any) -> None:
    """Serve requests until the other side closes the channel."""
    while True:
        try:
            payload = wire.receive_frame(channel, wire.RUN_BYTES)
        except EOFError:
            return
        try:
            reply = _interruptible(_reply, shell, payload)
        except KeyboardInterrupt:
            reply = _interrupted(wire.load(payload)[0])
        wire.send_frame(channel, reply)


def _reply(shell: Any, payload: bytes) -> bytes:
    message, _ = wire.load(payload)
    if "ask" in message:
        return reply_to_question(shell.user_ns, payload)
    return wire.dump({"n": message["n"]} | run_cell(shell, message["run"]))


def _interrupted(message: dict) -> bytes:
    reason = (
        {"raised_silently": ["KeyboardInterrupt"]}
        if "ask" in message
        else {"outputs": [], "ok": False}
    )
    return wire.dump({"n": message["n"]} | reason)


def _interruptible(function: Callable, *args: Any) -> Any:
    """Call with Ctrl-C in force; everywhere else it is ignored and cannot tear a frame apart."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return function(*args)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
