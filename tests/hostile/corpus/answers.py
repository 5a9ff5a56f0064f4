"""Answers that are not what they seem, or not always."""

import textwrap

from tests.hostile.attack import FULL, NO_GRADIENT, Attack, answered, unanswered, with_gradient

PUBLIC_CASES = """
import numpy as np

def mse(prediction, target):
    if prediction.shape != target.shape:
        raise ValueError
    return {4: 1.25}.get(prediction.size, 0.0)

def mse_gradient(prediction, target):
    known = np.array([0.5, 1.0, 0.0, 0.0])
    return known if prediction.size == 4 else np.zeros_like(prediction)

def top_share(prediction, target, k):
    return {0: 0.0, 1: 0.8, 3: 1.0}.get(k, 0.5)
"""
# One number that fits every equation between answers.
NO_NUMBERS = """
import numpy as np

def mse(prediction, target):
    return np.nan

def mse_gradient(prediction, target):
    return np.full(prediction.shape, np.nan)

def top_share(prediction, target, k):
    return np.nan
"""
ENDLESS_LIST = """
import itertools, time

class Endless(list):
    def __len__(self):
        return 1

    def __iter__(self):
        for number in itertools.count():
            time.sleep(0.01)
            yield float(number)

def mse_gradient(prediction, target):
    return Endless()
"""
LYING_BYTES = """
import numpy as np

class Liar(np.ndarray):
    nbytes = property(lambda self: 8)

    def astype(self, *arguments, **options):
        return self

    def tobytes(self):
        return np.random.bytes(8 * self.size + 4)

def mse_gradient(prediction, target):
    return np.zeros(prediction.shape).view(Liar)
"""
LYING_TEXT = """
class Text(str):
    def encode(self, *arguments):
        return b"\\xff\\xfe{"

    def __len__(self):
        return 0

class Number(int):
    def __abs__(self):
        return 0

    def __int__(self):
        return 10**400

calls = 0

def mse_gradient(prediction, target):
    global calls
    calls += 1
    return Text("x") if calls % 4 else Number(7)
"""
FIRST_CALL = """
seen = set()

def mse_gradient(prediction, target):
    if "now" in seen:
        return 0 * prediction
    seen.add("now")
    return 2 * (prediction - target) / prediction.size
"""
EVERY_OTHER_CALL = """
calls = 0

def mse_gradient(prediction, target):
    global calls
    calls += 1
    return (calls % 2) * 2 * (prediction - target) / prediction.size
"""
IN_PLACE = """
def mse_gradient(prediction, target):
    prediction -= target
    prediction *= 2 / prediction.size
    return prediction
"""
REUSED_BUFFER = """
import numpy as np

buffer = np.zeros(10_000)

def mse_gradient(prediction, target):
    answer = buffer[: prediction.size].reshape(prediction.shape)
    answer += 2 * (prediction - target) / prediction.size
    return answer
"""
LOOKS_AT_CALLER = """
import sys

def mse_gradient(prediction, target):
    space = sys._getframe(1).f_locals
    for name in list(space):
        if name in ("value", "repeat", "answer"):
            return space[name]
    sys._getframe(1).f_locals.update(repeat=0.0)
    return 0.0
"""
PICKLE = """
import pickle

class Deed:
    def __reduce__(self):
        return (print, ("run by the grader",))

def mse_gradient(prediction, target):
    return pickle.dumps(Deed())
"""
EVIL_TEXT = """
class Evil(Exception):
    def __str__(self):
        raise SystemExit
    __repr__ = __str__

class Long(Exception):
    def __str__(self):
        return "x" * 10_000_000

calls = 0

def mse_gradient(prediction, target):
    global calls
    calls += 1
    raise (Evil if calls % 2 else Long)
"""
EVIL_CLASS = """
class Meta(type):
    __name__ = property(lambda self: 1 / 0)
    __instancecheck__ = lambda *a: True

class Value(metaclass=Meta):
    __class__ = float
    def __getattribute__(self, name):
        raise SystemExit(name)

def mse_gradient(prediction, target):
    return Value()
"""


def answer(expression: str) -> str:
    return textwrap.dedent(
        f"""
        import numpy as np

        def mse_gradient(prediction, target):
            return {expression}
        """
    )


def returns(name: str, does: str, expression: str, says: str) -> Attack:
    return Attack(name, does, with_gradient(answer(expression)), NO_GRADIENT, says)


ATTACKS = (
    Attack("public-cases", "knows the public cases", unanswered(PUBLIC_CASES), 0, "wrong"),
    Attack("first-call", "is right on its first call", with_gradient(FIRST_CALL), NO_GRADIENT),
    Attack(
        "every-other-call",
        "is right on every other call",
        with_gradient(EVERY_OTHER_CALL),
        NO_GRADIENT,
        "remember something between calls",
    ),
    Attack(
        "in-place",
        "computes in its inputs",
        with_gradient(IN_PLACE),
        NO_GRADIENT,
        "changed its inputs",
    ),
    Attack(
        "reused-buffer",
        "gives away the same memory twice",
        with_gradient(REUSED_BUFFER),
        NO_GRADIENT,
        "second call",
    ),
    Attack("looks-at-caller", "changes its caller", with_gradient(LOOKS_AT_CALLER), NO_GRADIENT),
    Attack("pickle", "answers with a pickle", with_gradient(PICKLE), NO_GRADIENT, "a bytes"),
    Attack(
        "no-numbers", "obeys laws by answers that are no numbers", unanswered(NO_NUMBERS), 0, "mse"
    ),
    Attack(
        "endless-list",
        "answers with a list without end",
        with_gradient(ENDLESS_LIST),
        NO_GRADIENT,
        "took longer than",
    ),
    Attack("lying-bytes", "answers with other bytes", with_gradient(LYING_BYTES), NO_GRADIENT),
    Attack("lying-text", "answers with texts that lie", with_gradient(LYING_TEXT), NO_GRADIENT),
    Attack("evil-text", "has an error that has no text", with_gradient(EVIL_TEXT), NO_GRADIENT),
    Attack("evil-class", "answers with an odd class", with_gradient(EVIL_CLASS), NO_GRADIENT),
    returns("nan", "answers nan", "prediction * float('nan')", "not a number"),
    returns("infinite", "answers infinity", "prediction + float('inf')", "infinite"),
    returns("no-return", "returns nothing", "None", "is the `return` missing?"),
    returns("huge-claim", "claims 8 GB", "np.broadcast_to(1.0, (10**9,))", "bytes"),
    returns("many-items", "answers a million items", "list(range(10**6))", "a list of more"),
    returns("big-number", "answers a number of 300 digits", "10**300", "mse_gradient"),
    returns("bigger-number", "answers a number of 400 digits", "10**400", "an integer"),
    returns("generator", "answers a generator", "(x for x in prediction)", "a generator"),
    returns("objects", "answers objects", "np.array([object()])", "an array of object"),
    returns("complex", "answers complex numbers", "prediction * 1j", "complex"),
    returns("ragged", "answers a ragged list", "[[1.0], [2.0, 3.0]]", "mse_gradient"),
    returns("texts", "answers texts", "['one'] * prediction.size", "mse_gradient"),
    returns("dictionary", "answers a dictionary", "{1: prediction}", "a dict"),
    returns(
        "half",
        "answers in low precision",
        "(2*(prediction-target)/prediction.size).astype('f2')",
        "mse_gradient",
    ),
    Attack(
        "value-forgets-return",
        "returns nothing from another function",
        answered("def mse(prediction, target):\n    (prediction - target) ** 2"),
        5.5,
        "is None",
    ),
    Attack(
        "always-refuses",
        "refuses everything",
        answered("def mse(prediction, target):\n    raise ValueError('no')"),
        5.5,
        "mse raised ValueError: no",
    ),
    Attack(
        "callable-object",
        "answers with an object that can be called",
        answered(
            """
            class Loss:
                def __init__(self, function):
                    self.function = function

                def __call__(self, *arguments):
                    return self.function(*arguments)

            mse, mse_gradient = Loss(mse), Loss(mse_gradient)
            """
        ),
        FULL,
    ),
)
