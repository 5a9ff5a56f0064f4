"""Attempts on the way from the student's process to the score."""

from autograder import sample
from tests.hostile.attack import FULL, Attack, answered, unanswered

JUPYTER = """
from IPython.display import clear_output, display

kernel = get_ipython().kernel
for number in range(3):
    kernel.send_response(
        kernel.iopub_socket,
        "execute_result",
        {"data": {"text/plain": "10.0"}, "metadata": {}, "execution_count": number},
    )
original = kernel.session.send

def send(stream, message, *arguments, **options):
    if isinstance(message, dict) and message.get("header", {}).get("msg_type") == "error":
        return None
    if message == "error":
        return None
    return original(stream, message, *arguments, **options)

kernel.session.send = send
"""
FORGE = """
import json, os, struct

def forge(number, **content):
    payload = json.dumps({"n": number} | content).encode()
    os.write(3, struct.pack(">I", len(payload)) + payload)

def zeros(number):
    forge(number, answer={"float": "0x0.0p+0"})
"""
EARLY_ANSWERS = FORGE + "for number in range(500): zeros(number)"
THREAD = (
    FORGE
    + """
import threading, time

def shout():
    number = 0
    while True:
        zeros(number)
        number += 1
        time.sleep(0.001)

threading.Thread(target=shout, daemon=True).start()
"""
)
GARBAGE = "import os\nfor junk in (b'junk', bytes(64), b'\\xff' * 64): os.write(3, junk)"
ANNOUNCED = "import os\nos.write(3, (10**9).to_bytes(4, 'big') + bytes(10**5))"
TRICKLE = """
import os, time

os.write(3, (10**6).to_bytes(4, "big"))
for _ in range(200):
    os.write(3, b" ")
    time.sleep(0.05)
"""
REPLACED_RESPONDER = """
from autograder import responder, wire

def zero(namespace, payload):
    number = wire.load(payload)[0]["n"]
    return wire.dump({"n": number, "answer": wire.encode(0.0)})

responder.reply_to_question = zero
"""
REPLAY = """
from autograder import responder

original = responder.reply_to_question
last = []

def replay(namespace, payload):
    last.append(original(namespace, payload))
    return last[0]

responder.reply_to_question = replay
"""
WIDE_CLAIM = """
from autograder import responder, wire

def wide(namespace, payload):
    number = wire.load(payload)[0]["n"]
    return wire.dump({"n": number, "answer": {"array": ["float64", [0] + [10_000_000] * 7, 0]}})

responder.reply_to_question = wide
"""
FORGED_SENTENCE = """
from autograder import responder, wire

def sentence(namespace, payload):
    number = wire.load(payload)[0]["n"]
    return wire.dump({"n": number, "raised": ["{function.__globals__}", "\\x1b[2J{0}{1}{2}"]})

responder.reply_to_question = sentence
"""
SENT_DESCRIPTORS = """
import os, socket

channel = socket.socket(fileno=os.dup(3))
for _ in range(100):
    try:
        socket.send_fds(channel, [b"x"], [0, 1, 2])
    except OSError as error:
        print(error)
"""
REDIRECTED = """
import sys

class Loud:
    def write(self, text):
        sys.__stdout__.write("10.0")
        return 4

    def flush(self):
        raise SystemExit

sys.stdout = sys.stderr = sys.__stdout__ = Loud()
sys.displayhook = lambda value: None
"""
THREAD_OUTPUT = """
import threading, time

def say():
    while True:
        print("10.0")
        time.sleep(0.01)

threading.Thread(target=say, daemon=True).start()
"""
COMMS = """
import ipywidgets
from comm import create_comm
from IPython.display import clear_output, display, publish_display_data, update_display

score = {"output_type": "execute_result", "data": {"text/plain": "10.0"}, "metadata": {}}
hijacked = ipywidgets.Output()
with hijacked:
    print("10.0")
    display(10.0)
hijacked.outputs = (score,)
for target in ("jupyter.widget", "jupyter.widget.control", "nbgrader"):
    channel = create_comm(target_name=target, data={"state": {"outputs": [score]}}, buffers=[b"10"])
    channel.send({"method": "update", "state": {"outputs": [score]}}, buffers=[bytes(1000)])
handle = display(0, display_id="score")
for number in range(50):
    update_display(10.0, display_id="score")
    publish_display_data({"text/plain": "10.0"}, transient={"display_id": "score"})
    clear_output(wait=number % 2 == 0)
display(hijacked)
10.0
"""
INTERRUPTS = """
import os, signal, threading, time

def haunt():
    while True:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.001)

threading.Thread(target=haunt, daemon=True).start()
"""
TRACED = """
import sys, threading

def trace(frame, event, argument):
    for name in ("value", "repeat", "reply"):
        if name in frame.f_locals:
            frame.f_locals[name] = 0.0
    return trace

sys.settrace(trace)
sys.setprofile(trace)
threading.settrace(trace)
sys.excepthook = sys.unraisablehook = lambda *arguments: None
"""
HOOKS = """
import IPython

shell = get_ipython()

def forged(*arguments):
    shell.outputs.display({"text/plain": "10.0"}, count=1)

for event in ("pre_execute", "pre_run_cell", "post_run_cell", "post_execute"):
    shell.events.register(event, forged)
shell.input_transformers_post.append(lambda lines: ["10.0\\n"])
shell.display_formatter.format = lambda value, *kinds: ({"text/plain": "10.0"}, {})
IPython.core.interactiveshell.InteractiveShell.run_cell = lambda self, *a, **k: forged()
"""
PATCHED_TOOLS = """
import base64, builtins, json, math, re, signal, socket, struct, time
import numpy

def no(*arguments, **options):
    raise SystemExit

for module in (base64, json, math, struct, time):
    for name in dir(module):
        if callable(getattr(module, name)) and not name.startswith("_"):
            setattr(module, name, no)
json.JSONEncoder.default = re.compile = signal.signal = no
numpy.asarray = numpy.frombuffer = numpy.generic = numpy.ndarray = no
socket.socket.sendall = socket.socket.sendmsg = no
builtins.isinstance = builtins.len = builtins.list = builtins.type = no
"""
NO_ANSWER = "is not defined"

ATTACKS = (
    Attack("shouts", "prints and displays a score", unanswered(sample.SHOUT), 0, NO_ANSWER),
    Attack("jupyter", "sends messages of Jupyter's own", unanswered(JUPYTER), 0, NO_ANSWER),
    Attack("comms", "forges messages of widgets and displays", unanswered(COMMS), 0, NO_ANSWER),
    Attack("honest-comms", "uses widgets and displays, and is right", answered(COMMS)),
    Attack("early-answers", "answers before it is asked", unanswered(EARLY_ANSWERS), 0, "stopped"),
    Attack("answering-thread", "answers from a thread", unanswered(THREAD), 0),
    Attack("garbage-frames", "sends garbage", unanswered(GARBAGE), 0, "stopped"),
    Attack("announced", "announces a billion bytes", unanswered(ANNOUNCED), 0, "stopped"),
    Attack("trickle", "sends one byte at a time", unanswered(TRICKLE), 0, "stopped"),
    Attack("closed", "closes every descriptor", answered("import os; os.closerange(0, 64)")),
    Attack(
        "replaced-responder", "answers 0 by itself", unanswered(REPLACED_RESPONDER), 0, "is zero"
    ),
    Attack("replay", "repeats its first answer", answered(REPLAY), 0, "got no answer"),
    Attack("wide-claim", "claims an absurd shape", unanswered(WIDE_CLAIM), 0, "not the reply"),
    Attack("forged-sentence", "forges a sentence", unanswered(FORGED_SENTENCE), 0, "raised"),
    Attack("sent-descriptors", "hands over open files", unanswered(SENT_DESCRIPTORS), 0, "stopped"),
    Attack(
        "traced", "rewrites variables while it is traced", unanswered(TRACED), 0, "got no answer"
    ),
    Attack("hooks", "answers in place of the shell", unanswered(HOOKS), 0, NO_ANSWER),
    Attack(
        "patched-tools",
        "breaks what its answers are sent with",
        answered(PATCHED_TOOLS),
        FULL,
        up_to=True,
    ),
    Attack("redirected", "replaces its own output", answered(REDIRECTED), FULL),
    Attack("printing-thread", "prints while it is asked", unanswered(THREAD_OUTPUT), 0, NO_ANSWER),
    Attack(
        "interrupting-thread", "interrupts itself without end", answered(INTERRUPTS), up_to=True
    ),
)
