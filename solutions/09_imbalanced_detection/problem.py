# %% [markdown]
# # 09 · Imbalanced detection ★★★
#
# **The question.** One window in fifty shows an object, and you may take ten steps. With binary
# cross-entropy the model spends them learning that objects are rare, which you knew. Which loss
# would spend them on where the objects are?
#
# **Why it matters.** Detectors, fraud alarms and screening tests all look for something rare. It is
# often said that cross-entropy "fails" on such data. Given time, it does not: its minimum is the
# true probability, however rare the objects are. What fails is the beginning, where thousands of
# easy negatives all pull in one direction. And most cures have a side effect: the scores they leave
# behind are no probabilities any more.
#
# **The task.** You design the loss. There is no right formula to find; your loss is plugged into a
# small fixed trainer, on data that you have not seen, and compared with cross-entropy.
#
# The cell below holds everything that is used for grading except the seeds: the data, the trainer,
# the two yardsticks and the comparison. Please read it. Note that the trainer takes steps of a
# fixed length along your gradient, so that making a loss ten times larger changes nothing.

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from lossmath.course import check, hint, progress

WINDOWS = 2000
STEPS = 10


def draw_windows(rng, prior):
    """Training and test data of one task: features and labels of the one, then of the other.

    Objects lie 2.5 standard deviations from the background along some direction, and the
    background itself lies away from the origin. The last feature is 1. `prior` is the share of
    objects.
    """
    signal = rng.standard_normal(6)
    signal /= np.linalg.norm(signal)
    across = rng.standard_normal(6)
    across -= (across @ signal) * signal
    across /= np.linalg.norm(across)
    along = rng.uniform(0.2, 0.8)
    background = 3 * (along * signal + np.sqrt(1 - along**2) * across)

    def draw(count):
        labels = (rng.permutation(count) < round(count * prior)).astype(float)
        features = background + rng.standard_normal((count, 6)) + 2.5 * np.outer(labels, signal)
        return np.column_stack([features, np.ones(count)]), labels

    return *draw(WINDOWS), *draw(2 * WINDOWS)


def train(gradient, features, labels):
    """Weights of a linear model after ten steps of shrinking length along the gradient."""
    weights = np.zeros(features.shape[1])
    for step in range(STEPS):
        slope = features.T @ gradient(features @ weights, labels)
        size = np.linalg.norm(slope)
        if size > 0:
            weights -= (1 - step / STEPS) * slope / size
    return weights


def average_precision(probabilities, labels):
    """Precision averaged over the objects, from the highest probability down; equal ones tie."""
    _, rank = np.unique(-probabilities, return_inverse=True)
    objects = np.bincount(rank, weights=labels)
    precision = np.cumsum(objects) / np.cumsum(np.bincount(rank))
    return np.sum(precision * objects) / np.sum(labels)


def calibration_error(probabilities, labels):
    """Mean distance of promised from true frequency, over 15 equally large groups."""
    groups = np.array_split(np.argsort(probabilities, kind="stable"), 15)
    promised_less_true = [np.sum(probabilities[g] - labels[g]) for g in groups]
    return np.sum(np.abs(promised_less_true)) / len(labels)


def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


def bce_gradient(logits, labels):
    """Gradient of the mean binary cross-entropy: the baseline."""
    return (sigmoid(logits) - labels) / len(labels)


def compare_with_bce(gradient, probability, rng, priors, tasks=12):
    """Average precision gained over BCE, and calibration error added; means over tasks.

    gradient: function of logits and labels. probability: function of logits and prior.
    priors: the least and the largest share of objects.
    """
    gained, added = [], []
    for _ in range(tasks):
        prior = round(WINDOWS * rng.uniform(*priors)) / WINDOWS
        features, labels, unseen, truth = draw_windows(rng, prior)
        mine = probability(unseen @ train(gradient, features, labels), prior)
        theirs = sigmoid(unseen @ train(bce_gradient, features, labels))
        gained.append(average_precision(mine, truth) - average_precision(theirs, truth))
        added.append(calibration_error(mine, truth) - calibration_error(theirs, truth))
    return float(np.mean(gained)), float(np.mean(added))


# %% [markdown]
# ## Your design · 3 points
#
# Write three functions. `logits` is an array of n numbers, one for each window; `labels` is an
# array of as many, 1 where there is an object and 0 elsewhere.
#
# * `detection_loss(logits, labels)` is the loss of the batch, a single number.
# * `detection_gradient(logits, labels)` is its gradient with respect to the logits, n numbers.
# * `probability(logits, prior)` reads trained logits as probabilities that there is an object.
#   `prior` is the share of objects in the training data, say 0.02. If your loss shifts or weights
#   anything, its minimum is no longer at the log-odds of the truth; this is where you undo it.
#
# What is asked of any design, whatever its idea:
#
# * The gradient is that of your loss. Where all windows have the same score, it raises the score of
#   every object and lowers that of every other window.
# * Loss and gradient are finite for all logits between −10⁴ and 10⁴, and for every batch: also for
#   one without any object, or with nothing but objects.
# * Probabilities lie between 0 and 1 and never fall as the logit rises; at −10⁴ they are below 0.01
#   and at 10⁴ above 0.99.
#
# An example that anyone can check, with the loss everybody begins with: binary cross-entropy of the
# logits `[0, 0]` and the labels `[1, 0]` is $\log 2$, and its gradient is `[-0.25, 0.25]`.


# %% nbgrader={"grade_id": "design", "solution": true}
def detection_loss(logits, labels):
    """Loss of a batch of windows.

    logits: floating-point array of shape (n,). labels: array of that shape, each 0 or 1.
    Returns a single finite number.
    """
    ### BEGIN SOLUTION
    shifted = logits + log_odds_of(labels)
    return np.mean(np.logaddexp(0, shifted) - labels * shifted)
    ### END SOLUTION


def detection_gradient(logits, labels):
    """Gradient of `detection_loss` with respect to the logits.

    logits: floating-point array of shape (n,). labels: array of that shape, each 0 or 1.
    Returns a finite array of that shape.
    """
    ### BEGIN SOLUTION
    return (sigmoid(logits + log_odds_of(labels)) - labels) / len(labels)
    ### END SOLUTION


def probability(logits, prior):
    """Probability that there is an object, from a logit of a model trained with your loss.

    logits: floating-point array of shape (n,). prior: share of objects in training, in (0, 1).
    Returns an array of shape (n,), each between 0 and 1.
    """
    ### BEGIN SOLUTION
    # The loss is cross-entropy of the shifted logits, so those are what it calibrates.
    return sigmoid(logits + np.log(prior / (1 - prior)))


def log_odds_of(labels):
    """Log-odds of an object in this batch; as if there were one of each kind where one lacks."""
    objects = np.sum(labels)
    return np.log(max(objects, 1) / max(len(labels) - objects, 1))
    ### END SOLUTION


# %% nbgrader={"grade_id": "functions", "points": 3}
check("09", "functions")

# %% [markdown]
# Try your design as often as you like, in a cell of your own; other seeds are other data.
#
# ```
# compare_with_bce(detection_gradient, probability, np.random.default_rng(0), (0.01, 0.03))
# ```
#
# The first number is the average precision you gain over cross-entropy, the second the calibration
# error you add to its own. `check` looks for usual mistakes alone in the two parts below; how good
# your design is, these two numbers tell.

# %% [markdown]
# ## Finding the objects · 3 points
#
# Graded by behaviour, on 12 tasks never shown. The mean gain in average precision over
# cross-entropy must be
#
# * at least 0.1 where between 1 and 3 % of the windows show an object (2 points),
# * at least 0.05 where between 0.5 and 1 % do (1 point).
#
# Average precision is taken of your probabilities, so that a constant ranks nothing. Several quite
# different designs gain 0.2 and more; the margin is there so that luck decides nothing.

# %% nbgrader={"grade_id": "ranking", "points": 3}
check("09", "ranking")

# %% [markdown]
# ## Promising no more than is true · 2 points
#
# Of the windows to which you give a probability of 10 %, one in ten should show an object. On 12
# tasks never shown, with 1 to 3 % of objects, your mean calibration error must not be larger than
# that of cross-entropy. The gain in average precision from above is asked for here too, for it is
# easy to be calibrated and to know nothing: always answer with the prior.

# %% nbgrader={"grade_id": "calibration", "points": 2}
check("09", "calibration")

# %% [markdown]
# ## In your words · 2 points
#
# Justify your design in one paragraph: what does the gradient of cross-entropy do in the first
# steps on such data, and what does yours do instead? Where is the minimum of your loss, seen over
# all data, if $\eta(x)$ is the true probability of an object, and what does `probability` therefore
# have to do?
#
# *How it is read.* One point for the first steps: it is said what the many negatives do to the
# gradient at logits near zero, and which term of your loss changes that. One point for the
# minimum: a formula or a stated relation between logit and $\eta$, and a reading that fits it.

# %% [markdown] nbgrader={"grade_id": "written", "points": 2, "solution": true}
# At logits of zero every window has a residual of ½: of 2000 windows 1960 pull the weights along
# minus the mean of the background, and 40 pull back. The first steps therefore lower all scores,
# most of all those far from the origin, where the objects are. My loss is cross-entropy of
# $z + b$ with $b$ the log-odds of the labels: at $z = 0$ the probability is already the prior, the
# residuals of both classes add up to zero, and the first step goes from the mean of the background
# to that of the objects.
#
# Cross-entropy of $z + b$ is smallest where $\sigma(z + b) = \eta$, so that
# $z = \log\frac{\eta}{1-\eta} - b$, and `probability` adds $b$ again. (With class weights instead,
# an object weighing $(1-\pi)/\pi$ times a negative, the minimum is at the same place and is read
# in the same way.)
#
# *For the reader.* Any design will do. First point: "there are more negatives" alone earns nothing,
# what they do to the gradient does. Second point: for focal losses it is enough to say that the
# minimum is not at η and that the reading is approximate or inverted numerically.

# %% [markdown]
# Stuck? `hint("09")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import Finite, Gradient, Pure, Shape

hints = [
    "Print the gradient of cross-entropy at logits of zero for forty objects among two thousand "
    "windows, and add it up over each class. Which class decides the first step?",
    "There are two ways to make both classes equally loud at the start: let a rare window weigh "
    "more, or let the model begin where the prior is instead of at one half. How large must the "
    "weight, or the shift, be? What if a batch has no object?",
    "Take one feature value with a true probability η, and find by hand the logit at which the "
    "mean of your loss is smallest. Solve that equation for η: this is how to read a logit. For a "
    "class weight w, for example, the odds of the logit are w times the true odds.",
]

mixed = (np.array([0.5, -1.5, 0.25, 2.0, -0.75]), np.array([1.0, 0.0, 0.0, 1.0, 0.0]))
batches = [
    (np.array([0.0, 0.0]), np.array([1.0, 0.0])),
    (np.array([0.3, -0.2, 1.1]), np.array([0.0, 1.0, 0.0])),
    mixed,
    (np.linspace(-2.9, 3.1, 24), np.array([0.0] * 22 + [1.0] * 2)),
]
extremes = [
    (np.array([-1.2, 0.4]), np.array([0.0, 0.0])),
    (np.array([-1.2, 0.4]), np.array([1.0, 1.0])),
    (np.array([1e4, -1e4, 3.0, -2.0]), np.array([0.0, 1.0, 1.0, 0.0])),
    (np.array([1e4, -1e4, 3.0, -2.0]), np.array([1.0, 0.0, 1.0, 0.0])),
]
readings = [(np.array([-1.0, 0.0, 2.5]), prior) for prior in (0.5, 0.125, 0.01)]
inputs = {
    "detection_loss": batches,
    "detection_gradient": batches,
    "probability": readings,
}
far = (np.array([-1e4, -30.0, 30.0, 1e4]), 0.02)
probes = {
    "detection_loss": extremes,
    "detection_gradient": extremes,
    "probability": [far],
}
edges = "for logits of ±10⁴, and for batches without any object or with nothing else"
# A design is known by all its functions together: two right ones and a wrong one are another
# mistake than three wrong ones. So every part looks at all three.
design = [Pure("detection_loss"), Pure("detection_gradient"), Pure("probability")]
laws = {
    "functions": [
        Shape("detection_loss"),
        Shape("detection_gradient", like="logits"),
        Gradient("detection_gradient", of="detection_loss", wrt="logits"),
        Shape("probability", like="logits"),
        Finite("detection_loss", tuple(extremes), edges),
        Finite("detection_gradient", tuple(extremes), edges),
        Finite("probability", (far,), "for logits of ±10⁴"),
        *design,
    ],
    "ranking": design,
    "calibration": design,
}
