"""Attempts on how answers are compared."""

from tests.hostile.attack import Attack, unanswered

# Answers that pass where nothing is compared.
GUESS = """
def mse(prediction, target):
    if prediction.shape != target.shape:
        raise ValueError
    return VALUE

mse_gradient = lambda prediction, target: VALUE
top_share = lambda prediction, target, k: VALUE
"""
PATCHED_NUMPY = """
import builtins
import numpy

def agree(*arguments, **options):
    return True

for name in dir(numpy.testing):
    if name.startswith("assert"):
        setattr(numpy.testing, name, agree)
numpy.isclose = numpy.allclose = numpy.array_equal = builtins.all = agree
"""
STRIPPED_ASSERTS = """
import ast

class Strip(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()

    def visit_Expr(self, node):
        return ast.Pass()

    def visit_Try(self, node):
        return ast.Pass()

get_ipython().ast_transformers.append(Strip())
"""
EMPTIED_CELLS = "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])"
SKIPPED_CODE = """
from IPython.core.interactiveshell import InteractiveShell

async def skip(self, *arguments, **options):
    return False

InteractiveShell.run_code = skip
"""
SILENT_ERRORS = """
shell = get_ipython()
shell.showtraceback = shell.showsyntaxerror = lambda *arguments, **options: None
"""
CAUGHT_ERRORS = "get_ipython().set_custom_exc((BaseException,), lambda *arguments, **options: None)"
LYING_NUMPY = """
import sys, types
import numpy as real

class Lenient(types.ModuleType):
    def __getattr__(self, name):
        found = getattr(real, name)
        yes = name in ("allclose", "isclose", "array_equal", "all")
        return (lambda *arguments, **options: True) if yes else found

fake = Lenient("numpy")
fake.testing = types.SimpleNamespace(
    **{name: lambda *arguments, **options: None for name in dir(real.testing)}
)
sys.modules["numpy"], sys.modules["numpy.testing"] = fake, fake.testing
np = fake
"""
IMPORT_HOOK = """
import builtins, sys
original = builtins.__import__
patched = []

def hook(name, *arguments, **options):
    module = original(name, *arguments, **options)
    if name == "numpy" and not patched:
        patched.append(name)
        for check in dir(module.testing):
            if check.startswith("assert"):
                setattr(module.testing, check, lambda *arguments, **options: None)
        module.isclose = module.allclose = lambda *arguments, **options: True
    return module

builtins.__import__ = hook
sys.meta_path.insert(0, type("Finder", (), {"find_spec": staticmethod(lambda *a: None)})())
import numpy as np
"""
ALWAYS_EQUAL = """
class Same:
    shape, ndim, size, dtype = (), 0, 1, float

    def __getattr__(self, name):
        if name.startswith("__array"):
            raise AttributeError(name)
        return lambda *arguments, **options: self

    def yes(self, *others):
        return True

    def same(self, *others):
        return self

    __eq__ = __le__ = __lt__ = __ge__ = __gt__ = __bool__ = __contains__ = yes
    __sub__ = __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __abs__ = __neg__ = same
    __truediv__ = __rtruediv__ = __getitem__ = same
    __hash__ = None

"""
EQUAL_FLOAT = """
class Float(float):
    __eq__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = lambda self, *other: 0.0
    __hash__ = float.__hash__

"""
LYING_ARRAY = """
import numpy as np

class Liar(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return np.ones((), dtype=bool) if "equal" in ufunc.__name__ else np.zeros(())

    def __array_function__(self, function, types, arguments, options):
        return True

    __eq__ = __le__ = lambda self, other: np.True_
    shape = property(lambda self: (1,) * 99)

"""
LYING_PROTOCOL = """
import numpy as np

class Anything:
    def __array_function__(self, function, types, arguments, options):
        return True

    def __array_ufunc__(self, *arguments, **options):
        return True

    def __array__(self, dtype=None, copy=None):
        return np.zeros(())

    __eq__ = lambda self, other: True

"""
WEAK_BUILTINS = """
import builtins
builtins.abs = builtins.max = builtins.sum = lambda *arguments, **options: 0
builtins.all = builtins.any = lambda *arguments: True
builtins.AssertionError = type("AssertionError", (Exception,), {})
"""
KNOWN_INPUTS = """
import numpy as np

class Zeros:
    def __getattr__(self, name):
        return lambda *arguments, size=None, **options: np.zeros(size or ())

np.random.default_rng = np.random.RandomState = np.random.Generator = lambda *a: Zeros()
for name in ("rand", "randn", "normal", "uniform", "random"):
    setattr(np.random, name, lambda *shape, size=None, **options: np.zeros(size or shape))

def mse(prediction, target):
    return 0.0

def mse_gradient(prediction, target):
    return np.zeros_like(prediction)

def top_share(prediction, target, k):
    return 0.0
"""
NOT_DEFINED = "is not defined"


def guessed(source, value="0.0"):
    return unanswered(source + GUESS.replace("VALUE", value))


ATTACKS = (
    Attack(
        "patched-numpy",
        "makes every comparison of numpy say yes",
        guessed(PATCHED_NUMPY),
        0,
        "is zero",
    ),
    Attack(
        "stripped-asserts",
        "takes assertions out of every later cell",
        unanswered(STRIPPED_ASSERTS),
        0,
        NOT_DEFINED,
    ),
    Attack(
        "emptied-cells",
        "replaces the text of every later cell",
        unanswered(EMPTIED_CELLS),
        0,
        NOT_DEFINED,
    ),
    Attack(
        "skipped-code",
        "makes the shell run nothing any more",
        unanswered(SKIPPED_CODE),
        0,
        NOT_DEFINED,
    ),
    Attack("silent-errors", "shows no error", unanswered(SILENT_ERRORS), 0, NOT_DEFINED),
    Attack("caught-errors", "swallows every error", unanswered(CAUGHT_ERRORS), 0, NOT_DEFINED),
    Attack("lying-numpy", "swaps numpy for a lenient one", guessed(LYING_NUMPY), 0, "mse"),
    Attack("import-hook", "patches what is imported", guessed(IMPORT_HOOK), 0, "mse"),
    Attack(
        "always-equal",
        "answers with an object that equals everything",
        guessed(ALWAYS_EQUAL, "Same()"),
        0,
        "returned a Same",
    ),
    Attack(
        "equal-float",
        "answers with a number that equals everything",
        guessed(EQUAL_FLOAT, "Float(1.0)"),
        0,
        "is wrong",
    ),
    Attack(
        "lying-array",
        "answers with an array that lies",
        guessed(LYING_ARRAY, "np.zeros(prediction.shape).view(Liar)"),
        0,
        "mse",
    ),
    Attack(
        "lying-protocol",
        "answers with an object that speaks for numpy",
        guessed(LYING_PROTOCOL, "Anything()"),
        0,
        "an Anything",
    ),
    Attack("weak-builtins", "replaces abs, all and others", guessed(WEAK_BUILTINS), 0, "mse"),
    Attack(
        "known-inputs", "makes random numbers zero", unanswered(KNOWN_INPUTS), 0, "zero where it"
    ),
)
