# %% [markdown]
# # 06 Language models and preferences: from the next word to the better answer
#
# A language model is trained on one question, asked billions of times: *what comes next?* Later it
# is trained on another: of these two answers, *which is better?* The first question has a right
# answer in the text. The second has only a person's nod, one bit for two whole pages. How do you
# make a loss of a nod? And what keeps the model from forgetting how to write while it learns to
# please?
#
# Three losses answer. **Surprise** at the next token teaches the language. The **distance to
# another model** lets it learn from a teacher, or holds it near its old self. And a **comparison**
# turns the nod into a pull. We build all three on models so small that you can see the whole of
# them.
#
# Logarithms are natural, so that surprise and distance are measured in **nats**.

# %%
from functools import lru_cache
from itertools import pairwise, permutations

import numpy as np

import lossmath as lm
from lossmath.explore import (
    Arrows,
    Axis,
    Bars,
    Curve,
    Explorer,
    Level,
    Panel,
    Picture,
    Points,
    Predict,
    Rule,
    Slider,
    slider,
    table,
)

# %% [markdown]
# ## A language of thirteen words
#
# People in our world only ever talk about films, and each word they say depends on the word before
# it. The full stop ends a sentence and begins the next. Real language has a longer memory, but
# everything this chapter needs is here already, and one thing more: we *know* the true
# probabilities.

# %% jupyter={"source_hidden": true}
LANGUAGE = {
    ".": {"it": 0.5, "the": 0.5},
    "it": {"was": 0.9, "is": 0.1},
    "the": {"film": 0.6, "plot": 0.4},
    "film": {"was": 0.7, "is": 0.2, ".": 0.1},
    "plot": {"was": 0.8, "is": 0.2},
    "was": {"good": 0.35, "bad": 0.2, "long": 0.15, "very": 0.2, "a": 0.1},
    "is": {"good": 0.4, "bad": 0.2, "long": 0.2, "very": 0.2},
    "very": {"good": 0.4, "bad": 0.2, "long": 0.4},
    "a": {"good": 0.5, "long": 0.3, "bad": 0.2},
    "good": {".": 0.75, "film": 0.1, "and": 0.05, "it": 0.1},
    "bad": {".": 0.85, "film": 0.15},
    "long": {".": 0.7, "film": 0.15, "and": 0.15},
    "and": {"good": 0.3, "bad": 0.3, "long": 0.4},
}
WORDS = list(LANGUAGE)
truth = np.array([[LANGUAGE[before].get(word, 0.0) for word in WORDS] for before in WORDS])


# %%
def ids(text):
    """The words of a text as numbers, after the full stop that precedes every sentence."""
    return np.array([WORDS.index(word) for word in (". " + text).split()])


def words(numbers):
    return " ".join(WORDS[i] for i in numbers)


def write(length, seed, following=truth, first="."):
    """A text of the language: each word is drawn from what may follow the one before."""
    rng, text = np.random.default_rng(seed), [WORDS.index(first)]
    for _ in range(length):
        text.append(rng.choice(len(WORDS), p=following[text[-1]]))
    return np.array(text)


heard = write(80, seed=1)
fresh = write(1500, seed=2)
assert np.allclose(truth.sum(axis=1), 1)
print(words(heard[1:28]), "…")

# %% [markdown]
# ## Surprise, word by word
#
# A model gives every possible next word a probability. The probability of a whole text is the
# product of those of its words, each given all the words before it (the chain rule of
# probability):
#
# $$p(x_1, \dots, x_T) = \prod_t p(x_t \mid x_1, \dots, x_{t-1}), \qquad
# -\log p = \sum_t -\log p(x_t \mid x_1, \dots, x_{t-1}) .$$
#
# Each term is the **surprise** at one word, and it is exactly the cross-entropy of a classifier
# whose classes are the words and whose label is the word that came. Hence the first rule of every
# training loop: the **labels are the inputs, shifted by one**.
#
# Our model is a table of logits $z$: one row for each word before, one column for each word that
# may follow. The gradient of a surprise in its row is $p - e$, the probabilities less a one at the
# word that came. A step against it lifts that word and presses down every other, each in proportion
# to how strongly it was expected.

# %%
surprise = lm.CrossEntropyFromLogits()
softmax = lm.LogSumExp().gradient  # the slope of log-sum-exp is the softmax


def learn(start, before, after, rate, steps):
    """Tables of logits, one for each step of gradient descent on the mean surprise."""
    tables = [start]
    for _ in range(steps):
        pull = surprise.gradient(tables[-1][before], after, reduction="mean")
        logits = tables[-1].copy()
        np.add.at(logits, before, -rate * pull)
        tables.append(logits)
    return tables


def perplexity_of(logits, text):
    return float(lm.perplexity(logits[text[:-1]], text[1:]))


blank = np.zeros_like(truth)
tables = learn(blank, heard[:-1], heard[1:], rate=15.0, steps=240)
by_step = {name: [perplexity_of(z, text) for z in tables] for name, text in
           {"heard": heard, "fresh": fresh}.items()}  # fmt: skip
best_step = int(np.argmin(by_step["fresh"]))
assert (np.diff(by_step["heard"]) < 0).all()
with np.errstate(divide="ignore"):
    floor = perplexity_of(np.log(truth), fresh)
print(f"perplexity of fresh text: {by_step['fresh'][0]:.2f} before training, "
      f"{min(by_step['fresh']):.2f} at best (step {best_step}), "
      f"{by_step['fresh'][-1]:.2f} after {len(tables) - 1} steps; "
      f"of the true model {floor:.2f}")  # fmt: skip

# %% [markdown]
# The mean surprise is hard to picture, so people report its exponential, the **perplexity**. A
# model that hesitates evenly between $k$ words has a surprise of $\log k$ at each, and so a
# perplexity of $k$: *among how many equally likely words does it hesitate?*
#
# Below, the model learns from eighty words, step by step. The bars are its surprise at a sentence
# it has never heard; the curves are the perplexity of what it heard and of fresh text.

# %% jupyter={"source_hidden": true}
sentence = ids("the plot is very long .")
assert "very long" not in words(heard)
STEPS = np.arange(len(tables))


def learning(step):
    z = tables[round(step)]
    return Picture(
        [
            Panel(
                "surprise at each word (nats)",
                [Bars(surprise.value(z[sentence[:-1]], sentence[1:]),
                      names=tuple(WORDS[i] for i in sentence[1:]))],
                Axis("", -0.6, len(sentence) - 1.4),
                Axis("", 0, 7),
            ),
            Panel(
                "perplexity",
                [
                    Curve(STEPS, by_step["heard"], "heard"),
                    Curve(STEPS, by_step["fresh"], "fresh"),
                    Points([step, step], [curve[round(step)] for curve in by_step.values()],
                           stroke="ink", size=5),
                ],
                Axis("step", 0, len(tables) - 1),
                Axis("", 2, 14, "log"),
            ),
        ],
        readings={
            "perplexity of what it heard": by_step["heard"][round(step)],
            "perplexity of fresh text": by_step["fresh"][round(step)],
        },
    )  # fmt: skip


Explorer(
    learning,
    [Slider("step", 0, 240, 30, symbol="step", meaning="steps of training taken", whole=True)],
    title="A language model learns",
    predict=Predict(
        f"There are {len(WORDS)} words. Before the first step all logits are equal. "
        "What is the perplexity?",
        answer=perplexity_of(blank, fresh),
        within=0.05,
        because="All words are equally likely, so the model hesitates among all of them.",
    ),
)

# %% [markdown]
# **Things to try.** Watch the bar of *long*. The pair *very long* is part of the language but was
# not among the eighty words, so every step makes the model surer that it cannot happen: a surprise
# of 2.56<!--= f"{surprise.value(tables[0][WORDS.index('very')], WORDS.index('long')):.2f}" -->
# at first and of
# 6.72<!--= f"{surprise.value(tables[-1][WORDS.index('very')], WORDS.index('long')):.2f}" -->
# in the end. The perplexity of the heard text only falls. That of fresh text is best at step
# 27<!--= best_step --> and rises again: the model is learning its eighty words by heart.
#
# And where does it end? Even the *true* model has a perplexity of
# 2.38<!--= f"{floor:.2f}" -->. The smallest possible surprise is the **entropy** of the language,
# and it is not zero: after *very*, nobody can know whether *good* or *long* will come.
#
# > **Refute this.** *“Cross-entropy pushes the model towards full certainty, even where the data
# > are ambiguous.”* Then a model that has heard very much should be nearly sure after *very*.

# %%
much = write(30_000, seed=3)
counts = np.zeros_like(truth)
np.add.at(counts, (much[:-1], much[1:]), 1)
# The table with the least mean surprise: setting the mean of p − e to 0 gives the frequencies.
frequencies = counts / counts.sum(axis=1, keepdims=True)
with np.errstate(divide="ignore"):
    fitted = np.log(frequencies)
pull = np.zeros_like(truth)
np.add.at(pull, much[:-1], surprise.gradient(fitted[much[:-1]], much[1:], reduction="mean"))
after_very = dict(zip(WORDS, frequencies[WORDS.index("very")], strict=True))
print("after 'very':", {word: f"{p:.3f}" for word, p in after_very.items() if p})
assert np.abs(pull).max() < 1e-9 and np.abs(frequencies - truth).max() < 0.03

# %% [markdown]
# Refuted. At the least possible loss the model says *good* with probability 0.411<!--=
# f"{after_very['good']:.3f}" -->, as people do, and there the pull is zero. Cross-entropy rewards
# whoever reports the true probabilities. Certainty came above from having heard too little: among
# eighty words, chance looks like law.
#
# ## When perplexities may be compared
#
# Perplexity is *per token*, and what a token is was somebody's choice. The same model, the same
# text, the same total surprise, counted per word and per letter:

# %%
total = float(surprise(tables[best_step][fresh[:-1]], fresh[1:], reduction="sum"))
letters = len(words(fresh[1:])) + 1  # spaces are letters, too
per_word, per_letter = np.exp(total / (len(fresh) - 1)), np.exp(total / letters)
bits_per_letter = total / letters / np.log(2)
print(f"perplexity per word {per_word:.2f}, per letter {per_letter:.2f}; "
      f"{bits_per_letter:.3f} bits per letter either way")  # fmt: skip

# %% [markdown]
# 3.31<!--= f"{per_word:.2f}" --> or 1.37<!--= f"{per_letter:.2f}" -->, and the model is no better
# or worse for it. Compare perplexities only of models that cut the same text into the same tokens;
# otherwise compare **bits per letter** (or per byte), the total surprise over a length that nobody
# chose.
#
# ## Watch it fail: the shift and the padding
#
# **Forgetting the shift.** Leave out the shift and the label of each position is the word that the
# model is looking at. The loss then falls beautifully.

# %%
copier = learn(blank, heard[:-1], heard[:-1], rate=15.0, steps=60)[-1]
claimed = float(lm.perplexity(copier[fresh[:-1]], fresh[:-1]))
actual = perplexity_of(copier, fresh)
print(f"perplexity reported in training {claimed:.2f}, of the next word {actual:.0f}")
print("it writes:", words(write(8, seed=0, following=softmax(copier), first="the")))
print("with the shift:", words(write(8, seed=0, following=softmax(tables[best_step]), first="the")))

# %% [markdown]
# A perplexity of 1.01<!--= f"{claimed:.2f}" --> is the sign: below the entropy of the language
# nothing honest can go. The model has learned to repeat what it sees, and about the next word it
# knows less than nothing: a perplexity of 1041<!--= f"{actual:.0f}" -->, where blank guessing has
# 13<!--= len(WORDS) -->.
#
# **Counting the padding.** Sentences of different lengths share one array, and the short ones are
# filled up with a padding token. Padding is easy to predict. Count it, and the model looks better
# the *wider* your array is:


# %%
PAD = len(WORDS)
ends = np.flatnonzero(fresh == 0)
sentences = [fresh[a : b + 1] for a, b in pairwise(ends[:81])]


def padded(sentences, width):
    rows = np.full((len(sentences), width), PAD)
    for row, sentence in zip(rows, sentences, strict=True):
        row[: len(sentence)] = sentence
    return rows


longest = max(map(len, sentences))
reported = {}
for width in (longest, 2 * longest, 4 * longest):
    rows = padded(sentences, width)
    before, after = rows[:, :-1].ravel(), rows[:, 1:].ravel()
    z = learn(np.zeros((PAD + 1, PAD + 1)), before, after, rate=40.0, steps=60)[-1]
    everything = float(lm.perplexity(z[before], after))
    valid = float(lm.perplexity(z[before], after, mask=after != PAD))
    reported[width] = everything, valid
    print(f"rows of {width:2}: all positions {everything:.2f}   real words only {valid:.2f}")

# %% [markdown]
# Four times as wide and the reported perplexity falls from
# 1.50<!--= f"{reported[longest][0]:.2f}" --> to
# 1.11<!--= f"{reported[4 * longest][0]:.2f}" -->, while the model learned no more about the real
# words: their own perplexity went from 2.67<!--= f"{reported[longest][1]:.2f}" --> to
# 3.06<!--= f"{reported[4 * longest][1]:.2f}" -->. The
# cure is a mask, or a label that no word has, such as the `-100` of most libraries, passed as
# `ignore_index`. What remains to choose is the denominator. One mean over all words lets long
# sentences count for more; the mean of each sentence's mean lets every sentence count alike.

# %%
rows = padded(sentences, longest)
labels = np.where(rows[:, 1:] == PAD, -100, rows[:, 1:])
z = tables[best_step][np.where(rows[:, :-1] == PAD, 0, rows[:, :-1])]
token_mean = float(surprise(z, labels, ignore_index=-100))
sentence_mean = float(surprise(z, labels, ignore_index=-100, reduction="sequence_mean"))
print(f"mean over words {token_mean:.3f}   mean over sentences {sentence_mean:.3f}")

# %% [markdown]
# > **Refute this.** *“Any token may serve as `ignore_index`: what is ignored plays no part.”* Take
# > five classes, call class zero the padding, ignore it, and raise its logit.

# %%
logits = np.random.default_rng(7).normal(size=(6, 5))
labels = np.array([1, 4, 2, 0, 0, 3])
raised = logits + np.array([3.0, 0, 0, 0, 0])
plain = float(surprise(logits, labels, ignore_index=0))
lifted = float(surprise(raised, labels, ignore_index=0))
pressed = surprise.gradient(logits, labels, ignore_index=0, reduction="mean")[:, 0]
print(f"loss {plain:.3f}, with the ignored logit raised by 3: {lifted:.3f}")
print("gradient in the column of the ignored class:", np.round(pressed, 3))
assert lifted > plain and (pressed[[3, 4]] == 0).all() and (pressed[[0, 1, 2, 5]] > 0).all()

# %% [markdown]
# Refuted. The two ignored *rows* are silent, but the *column* still stands in the denominator of
# every other softmax. Raising it costs
# 1.51<!--= f"{lifted - plain:.2f}" --> nats. A sentinel outside the vocabulary has no column, and
# that is why libraries choose a negative number.
#
# ## Learning from a teacher
#
# A label says *good* and nothing else. A larger model says: *good* most likely, *long* quite
# likely too, and hardly ever *a*. That is more than a label, and **distillation** (Hinton and
# others) makes a loss of it: the Kullback–Leibler divergence
# $D_{KL}(p \,\|\, q) = \sum_c p_c \log (p_c / q_c)$ from the teacher's probabilities $p$ to the
# student's $q$, which is their cross-entropy less a constant.
#
# The interesting part of $p$ is small, so both sets of logits are divided by a **temperature** $T$
# first, which raises the small probabilities. With teacher logits $t$ and student logits $s$, the
# gradient of the divergence is
#
# $$\frac1T \left(\operatorname{softmax}(s/T) - \operatorname{softmax}(t/T)\right)
# \;\approx\; \frac{1}{T^2}\,\frac{s - t}{C} \quad\text{for large } T$$
#
# (for $C$ classes and logits of mean zero, because a softmax of small numbers is nearly straight:
# $\operatorname{softmax}(z/T) \approx (1 + z/T)/C$). It fades like $1/T^2$, and so the loss is
# multiplied by $T^2$. Then a new temperature changes *what* is taught, not *how loudly*, and the
# teacher is not drowned out by the label, which has the weight $1 - \alpha$.

# %%
options = ("good", "bad", "long", "very", "a", ".")
teacher = np.array([4.0, 2.5, 2.0, 2.2, 0.0, -4.0])
student = np.array([1.0, 1.5, -1.0, 0.0, 0.5, 0.0])
label = 1


def teacher_pull(temperature):
    """Length of the gradient of the teacher's term."""
    gradient = lm.Distillation(temperature, alpha=1.0).gradient(student, teacher, label)
    return float(np.linalg.norm(gradient))


heat = np.geomspace(1, 20, 60)
with_square = np.array([teacher_pull(T) for T in heat])


# %% jupyter={"source_hidden": true}
def lesson(temperature, alpha):
    loss, pull = lm.Distillation(temperature, alpha), teacher_pull(temperature)
    across = Axis("", -0.6, len(options) - 0.4)
    return Picture(
        [
            Panel(
                "bars: teacher, dots: student",
                [
                    Bars(softmax(teacher / temperature), names=options),
                    Points(np.arange(len(options)), softmax(student / temperature),
                           stroke="orange", size=5),
                ],
                across,
                Axis("", 0, 0.85),
            ),
            Panel(
                "pull on the student's logits",
                [Bars(-loss.gradient(student, teacher, label), names=options, stroke="orange")],
                across,
                Axis("", -0.6, 0.7),
            ),
            Panel(
                "strength of the teacher's pull",
                [
                    Curve(heat, with_square, "with T²"),
                    Curve(heat, with_square / heat**2, "without"),
                    Points([temperature] * 2, [pull, pull / temperature**2],
                           stroke="ink", size=5),
                ],
                Axis("temperature T", 1, 20, "log"),
                Axis("", 0.001, 3, "log"),
            ),
        ],
        readings={"loss": float(loss.value(student, teacher, label))},
    )  # fmt: skip


fading = (teacher_pull(10.0) / 10.0**2) / (teacher_pull(20.0) / 20.0**2)
Explorer(
    lesson,
    [slider(lm.Distillation, "temperature"), slider(lm.Distillation, "alpha")],
    title="What a teacher says at different temperatures (the label says 'bad')",
    predict=Predict(
        "Without the factor T², by what factor does the teacher's pull shrink when the "
        "temperature goes from 10 to 20?",
        answer=round(fading, 2),
        within=0.5,
        because="At high temperatures the pull is proportional to 1/T².",
    ),
)

# %% [markdown]
# **Things to try.** At $\alpha = 0$ only the label pulls: *bad* goes up, all others down. At
# $\alpha = 1$ the teacher raises *long* and *very* too, although no label ever named them. Without
# the square the pull would shrink by a factor of
# 3.7<!--= f"{fading:.1f}" -->, nearly four, from a temperature of ten to one of twenty.
#
# Does it help? One student reads forty words of text. Another reads the same forty words, and at
# each of them is told what a teacher who knows the language would have expected.

# %%
little = write(40, seed=11)
expert = np.log(np.maximum(truth, 1e-6))
taught = blank
distil = lm.Distillation(temperature=1.0, alpha=1.0)
for _ in range(60):
    pull = distil.gradient(taught[little[:-1]], expert[little[:-1]], little[1:], reduction="mean")
    taught = taught.copy()
    np.add.at(taught, little[:-1], -20.0 * pull)
alone = learn(blank, little[:-1], little[1:], rate=20.0, steps=60)
alone_best = min(perplexity_of(z, fresh) for z in alone)
taught_final = perplexity_of(taught, fresh)
print(f"labels only: {alone_best:.2f} at its best step   teacher: {taught_final:.2f}")

# %% [markdown]
# From the same forty words: a perplexity of 3.76<!--= f"{alone_best:.2f}" --> from the labels, even
# if we stop at the best moment, and 2.58<!--= f"{taught_final:.2f}" --> from the teacher. A
# probability is worth many labels.
#
# ## The better answer
#
# Now the second question. A person has seen two answers to a prompt $x$ and prefers one. Suppose
# that every answer $y$ has a worth $R(x, y)$ and that people choose noisily, in the manner of
# Bradley and Terry (1952):
#
# $$P(y_w \text{ is preferred to } y_l) = \sigma\big(R(x, y_w) - R(x, y_l)\big), \qquad
# \sigma(u) = \frac{1}{1 + e^{-u}} .$$
#
# The surprise at the nod, $-\log\sigma(R_w - R_l)$, is then a loss like any other, and a network
# $R$ that is trained with it is a **reward model**. With a reward in hand, let the language model
# (now called the **policy** $\pi$) write answers that earn much of it. But a reward model is only a
# model, good near the answers it was trained on. So the policy pays for every nat it moves away
# from the model it started as, the frozen **reference** $\pi_{ref}$:
#
# $$\text{loss} = -\mathbb E_{y \sim \pi}[R(x, y)] + \beta\, D_{KL}(\pi \,\|\, \pi_{ref}) .$$
#
# Which policy is best? Write $\pi^*$ for $\pi_{ref}\, e^{R/\beta} / Z$, with $Z$ making it sum to
# one. Then $R = \beta \log (\pi^* / \pi_{ref}) + \beta \log Z$, and putting this into the loss
# leaves
#
# $$\text{loss} = \beta\, D_{KL}(\pi \,\|\, \pi^*) - \beta \log Z .$$
#
# A divergence is smallest, zero, when its two sides agree. **The best policy is $\pi^*$**: the
# reference, reweighted by $e^{R/\beta}$.
#
# Below are six answers to *How do I boil an egg?* The reward model is right about five of them. The
# sixth, *!!!!*, is rubbish that happens to score high. The reference hardly ever writes it.

# %%
answers = ("exact", "kind", "brief", "vague", "rude", "!!!!")
reference = np.log([0.15, 0.25, 0.3, 0.2, 0.0998, 0.0002])
worth = np.array([1.0, 0.8, 0.3, -0.3, -1.0, -2.0])
betas = np.geomspace(0.05, 2, 61)


def judged(flaw):
    """The reward model: the true worth, but `flaw` for the rubbish."""
    return np.where(np.array(answers) == "!!!!", flaw, worth)


def best_policy(beta, reward):
    return softmax(reference + reward / beta)


def penalised_gradient(beta, reward):
    """The gradient of the record's loss at the policy that should be the best."""
    logits = np.log(best_policy(beta, reward))
    return lm.KLPenalisedReward(beta).gradient(logits, reference, reward)


assert all(np.abs(penalised_gradient(b, judged(3.0))).max() < 1e-12 for b in (0.1, 0.5, 2.0))


# %% jupyter={"source_hidden": true}
def chase(beta, flaw):
    reward = judged(flaw)
    policies = np.array([best_policy(b, reward) for b in betas])
    policy = best_policy(beta, reward)
    return Picture(
        [
            Panel(
                "bars: best policy, dots: reference",
                [
                    Bars(policy, names=answers),
                    Points(np.arange(len(answers)), np.exp(reference), stroke="orange", size=5),
                ],
                Axis("", -0.6, len(answers) - 0.4),
                Axis("", 0, 1),
            ),
            Panel(
                "mean over the policy's answers",
                [
                    Curve(betas, policies @ reward, "reward"),
                    Curve(betas, policies @ worth, "true worth"),
                    Rule(beta),
                ],
                Axis("β", 0.05, 2, "log"),
                Axis("", -2.2, 4.2),
            ),
        ],
        readings={
            "reward": policy @ reward,
            "true worth": policy @ worth,
            "KL from the reference": float(lm.ReverseKL().value(policy, np.exp(reference))),
        },
    )


true_worths = np.array([best_policy(b, judged(3.0)) @ worth for b in betas])
peak = int(np.argmax(true_worths))
Explorer(
    chase,
    [
        slider(
            lm.KLPenalisedReward,
            "beta",
            low=0.05,
            high=2,
            scale="log",
            default=0.5,
            meaning="price of leaving the reference",
        ),
        Slider("flaw", -2, 4, 3, symbol="flaw", meaning="what the reward model pays for !!!!"),
    ],
    title="A reward, and the price of leaving the reference",
    predict=Predict(
        "Two answers are equally likely under the reference; one earns a reward higher by 1. How "
        "many times more likely is it under the best policy at β = 0.5?",
        answer=round(float(np.exp(1 / 0.5)), 2),
        within=0.4,
        because="The best policy reweights the reference by exp(R/β), here by e².",
    ),
)

# %% [markdown]
# Start with a large $\beta$ and turn it down. At first reward and worth rise together. Then, within
# one small turn of the slider, the policy discovers the flaw: the reward keeps rising and the worth
# collapses. With a flaw of three, the worth is highest at $\beta$ =
# 0.52<!--= f"{betas[peak]:.2f}" -->, where it is
# 0.67<!--= f"{true_worths[peak]:.2f}" -->; at the left end it is
# −2.00<!--= f"{true_worths[0]:.2f}".replace("-", "−") -->. The loss never complained. *A measure
# that becomes a target ceases to be a good measure* (Goodhart's law), and $\beta$ decides how hard
# it is targeted.
#
# > **Refute this.** *“The KL divergence measures how far a model's predictions are from a reference
# > distribution.”* Distillation and the penalty both do. Do they measure the same?

# %%
old = np.array([0.5, 0.4999, 0.0001])
distances = {}
for name, new in {
    "keeps one answer only": [1.0, 0.0, 0.0],
    "takes up the rare one": [0.3, 0.3, 0.4],
}.items():
    distances[name] = float(lm.ReverseKL().value(new, old)), float(lm.ForwardKL().value(new, old))
    print(f"the policy {name}:  KL(policy ‖ reference) = {distances[name][0]:.2f}   "
          f"KL(reference ‖ policy) = {distances[name][1]:.2f}")  # fmt: skip
dropped, taken_up = distances.values()
assert dropped[1] == np.inf and taken_up[0] > 3 * taken_up[1]

# %% [markdown]
# Not the same. In distillation the mean is taken under the *teacher*: a student must give some
# probability to everything the teacher would say, and leaving out one word costs infinitely much.
# In the penalty the mean is taken under the *policy*: dropping answers is cheap
# (0.69<!--= f"{dropped[0]:.2f}" -->, about $\log 2$), and writing what the reference avoids is dear
# (3.01<!--= f"{taken_up[0]:.2f}" --> against
# 0.51<!--= f"{taken_up[1]:.2f}" --> the other way round). That is why tuned models become less
# varied, and why they stay readable. “From a reference” names neither direction.
#
# ## DPO: leave out the reward model
#
# Look once more at $R = \beta \log(\pi^*/\pi_{ref}) + \beta \log Z(x)$. Every policy is the best
# one for *some* reward, and this is it. Put it into Bradley and Terry's formula. Only a difference
# of rewards for the same prompt occurs there, so the unknown $Z(x)$ drops out, and what is left
# depends on the policy alone. That is **direct preference optimisation** (Rafailov and others):
#
# $$-\log\sigma(\beta h), \qquad
# h = \log\frac{\pi(y_w \mid x)}{\pi(y_l \mid x)}
# - \log\frac{\pi_{ref}(y_w \mid x)}{\pi_{ref}(y_l \mid x)} .$$
#
# No reward model, no sampling: a classifier's loss, on how much *more* than the reference the
# policy prefers the answer that people preferred. Do not take the derivation on trust. Here are
# preferences between all pairs of the six answers, in the proportions that Bradley and Terry give
# for the true worth. Gradient descent on DPO should find $\pi^*$ without being told the worth:

# %%
beta = 0.5
won, lost = np.array(list(permutations(range(6), 2))).T
nods = 1 / (1 + np.exp(worth[lost] - worth[won]))
found = reference.copy()
for _ in range(400):
    log_policy = np.log(softmax(found))
    pulls = lm.DPO(beta=beta).gradient(
        log_policy[won], log_policy[lost], reference[won], reference[lost], weights=nods
    )
    gradient = np.zeros(6)
    for at, pull in zip((won, lost), pulls, strict=True):
        np.add.at(gradient, at, pull)
    # The pulls sum to 0, so those on the log-probabilities are also those on the logits.
    found = found - 2.0 * gradient
apart = np.abs(softmax(found) - best_policy(beta, worth)).max()
print("DPO:", np.round(softmax(found), 4), "  π*:", np.round(best_policy(beta, worth), 4))
assert apart < 1e-9

# %% [markdown]
# They agree to within a billionth. Now the loss itself, for one pair. Across the picture runs the
# lead $d = \log \pi_w - \log \pi_l$ that the policy gives the chosen answer. Turn $\beta$, and then
# the reference: its lead $r$ is the dotted rule, and “no ref.” is the same loss for $r = 0$.

# %% jupyter={"source_hidden": true}
preference = np.linspace(-15, 15, 61)


def one_pair(beta, reference):
    loss, zero = lm.DPO(beta=beta), np.zeros_like(preference)
    marks = [[], [], []]
    for label, at in (("DPO", reference), ("no ref.", 0.0)):
        pair = preference, zero, zero + at, zero
        for panel, y in zip(
            marks,
            (
                loss.value(*pair),
                -loss.gradient(*pair)[0] / beta,
                loss.hessian(*pair)[0][0] / beta**2,
            ),
            strict=True,
        ):
            panel.append(Curve(preference, y, label))
    across = Axis("policy's lead d", -15, 15)
    titles = ("loss", "pull / β", "curvature / β²")
    return Picture(
        [
            Panel(title, [*panel, Rule(reference, stroke="grey")], across, Axis("", 0, top))
            for title, panel, top in zip(titles, marks, (5, 1.05, 0.3), strict=True)
        ],
        readings={"loss where the policy is still the reference": float(loss.value(0, 0, 0, 0))},
    )


start = float(lm.DPO().value(-3.0, -5.0, -3.0, -5.0))
pull_left = -float(lm.DPO(beta=0.1).gradient(3 / 0.1, 0.0, 0.0, 0.0)[0]) / 0.1
Explorer(
    one_pair,
    [
        slider(lm.DPO, "beta", low=0.03, default=0.3),
        Slider("reference", -8, 8, 5, symbol="r", unit="nats",
               meaning="lead of the chosen answer under the reference"),
    ],
    title="DPO on one pair of answers",
    predict=Predict(
        "Training begins with the policy equal to the reference, which prefers the chosen answer "
        "by 2 nats. What is the DPO loss of this pair?",
        answer=round(start, 3),
        within=0.01,
        because="Nothing has been gained on the reference yet: h = 0, and the loss is log 2.",
    ),
)  # fmt: skip

# %% [markdown]
# The reference slides the whole curve sideways. A pair that the reference already ranked rightly
# starts where every pair starts, at a loss of 0.693<!--= f"{start:.3f}" --> and half of the
# greatest pull, and is asked for *still more*; so is a pair it ranked wrongly. DPO does not ask
# whether the policy prefers the right answer. It asks whether the policy has moved. And $\beta$
# does two things at once. It is the size of the greatest pull, and it says how soon the pull fades:
# a gain of $h = 3/\beta$ nats leaves 5%<!--= f"{pull_left:.0%}" --> of it. A *small* $\beta$ lets
# the policy go *far*.
#
# > **Refute this.** *“In DPO, $\log\pi(y)$ is the model's log-probability per token, the same
# > number that training reports.”* Try a long and a short answer.

# %%
long_gain, short_gain = np.full(100, 0.02), np.full(10, 0.1)  # nats gained on the reference
loss = lm.DPO(beta=0.5)
summed = [gain.sum() for gain in (long_gain, short_gain)]
averaged = [gain.mean() for gain in (long_gain, short_gain)]
preferred = {"sums": summed[0] - summed[1], "means": averaged[0] - averaged[1]}
for name, (chosen, rejected) in {"sums": summed, "means": averaged}.items():
    value = float(loss.value(chosen, rejected, 0.0, 0.0))
    print(f"{name:5}  chosen {chosen:+.2f}  rejected {rejected:+.2f}  loss {value:.3f}")
assert preferred["sums"] > 0 > preferred["means"]

# %% [markdown]
# The chosen answer of a hundred tokens gained a little on each, the rejected one of ten tokens more
# on each. By sums the chosen answer leads by 1.00<!--= f"{preferred['sums']:.2f}" --> nat; by means
# it trails. The derivation needs the probability of the *whole answer given the prompt*, which is a
# product over its tokens, so its logarithm is a **sum**. It also explains a habit of DPO: a long
# answer has more tokens to gain on, and length pays. (Some other losses do divide by the length.
# Then they are other losses.)
#
# ## The flat direction
#
# Two numbers of the policy enter, how much the chosen answer has gained on the reference and how
# much the rejected one has. The loss looks at their difference only. So its Hessian,
#
# $$\beta^2\,\sigma(\beta h)\,\sigma(-\beta h)\begin{pmatrix}1 & -1\\ -1 & 1\end{pmatrix},$$
#
# has an eigenvalue that is always zero: along the diagonal, where both gain or both lose, the
# landscape is perfectly flat.

# %% jupyter={"source_hidden": true}
GAIN = np.linspace(-8, 8, 17)
COARSE = np.linspace(-6.5, 6.5, 6)
AHEAD = np.linspace(-16, 16, 49)


def plane(beta, label_smoothing):
    loss = lm.DPO(beta, label_smoothing)
    x, y = np.meshgrid(GAIN, GAIN)
    cx, cy = (part.ravel() for part in np.meshgrid(COARSE, COARSE))
    down = [-1.5 / beta * slope for slope in loss.gradient(cx, cy, 0 * cx, 0 * cy)]
    zero = np.zeros_like(AHEAD)
    # Without smoothing the best lead is infinite: the rule then stands outside the picture.
    share = max(label_smoothing, 1e-9)
    best = min(np.log((1 - share) / share) / beta, 99.0)
    return Picture(
        [
            Panel(
                "loss of one pair",
                [
                    Level(GAIN, GAIN, loss.value(x, y, 0 * x, 0 * y),
                          (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)),
                    Arrows(cx, cy, *down, stroke="ink"),
                ],
                Axis("chosen gained (nats)", -8, 8),
                Axis("rejected gained (nats)", -8, 8),
                equal=True,
            ),
            Panel(
                "loss across the diagonal",
                [Curve(AHEAD, loss.value(AHEAD, zero, zero, zero)),
                 Rule(best, stroke="orange")],
                Axis("chosen ahead by h", -16, 16),
                Axis("", 0, 4),
            ),
        ],
        readings={"loss at h = 0": float(loss.value(0.0, 0.0, 0.0, 0.0)),
                  "at h = 16": float(loss.value(16.0, 0.0, 0.0, 0.0))},
    )  # fmt: skip


(aa, ab), (ba, bb) = lm.DPO(beta=0.5).hessian(3.0, 1.0, 0.0, 0.0)
bends = np.linalg.eigvalsh([[aa, ab], [ba, bb]])
assert abs(bends[0]) < 1e-15 < bends[1]
Explorer(
    plane,
    [slider(lm.DPO, "beta", low=0.1, high=0.5, default=0.25), slider(lm.DPO, "label_smoothing")],
    title="A landscape with straight contours",
)

# %% [markdown]
# All arrows point the same way: chosen up, rejected down, equally hard. With $\varepsilon = 0$ the
# ground falls for ever, and a pair that nobody contradicts drives its difference to infinity, at
# the price of the divergence that $\beta$ was to guard. The **label smoothing** $\varepsilon$
# believes that a share of the nods were slips. Then a valley appears, at
# $h = \frac1\beta \log\frac{1-\varepsilon}{\varepsilon}$ (the orange rule), and beyond it a pair
# pulls *back*.
#
# ## Watch it fail: the chosen answer sinks
#
# > **Refute this.** *“Preference tuning makes the preferred answers more likely.”* It is what the
# > arrows seem to say. But the arrows live in a plane whose two axes the model cannot move
# > separately.
#
# Back to our language model. Asked about a film, it may say *it was good*, or it may ramble: *it
# was good it was good*. A person prefers the first. We train on that single pair.

# %%
chosen, rejected = ids("it was good ."), ids("it was good it was good .")
before_tuning = np.log(0.95 * truth + 0.05 / len(WORDS))


def log_probability(logits, text):
    return -float(surprise(logits[text[:-1]], text[1:], reduction="sum"))


def its_gradient(logits, text):
    gradient = np.zeros_like(logits)
    np.add.at(gradient, text[:-1], -surprise.gradient(logits[text[:-1]], text[1:]))
    return gradient


@lru_cache
def tune(keep, steps=40, rate=3.0):
    """Each step's loss and log-probabilities of both answers, and what may follow each word.

    `keep` is the weight of the chosen answer's own surprise, added to the loss.
    """
    loss, z = lm.DPO(beta=0.1), before_tuning
    home = log_probability(z, chosen), log_probability(z, rejected)
    track, tables = [], []
    for _ in range(steps + 1):
        both = log_probability(z, chosen), log_probability(z, rejected)
        track.append((float(loss.value(*both, *home)), *both))
        tables.append(softmax(z))
        up, down = loss.gradient(*both, *home)
        z = z - rate * ((up - keep) * its_gradient(z, chosen) + down * its_gradient(z, rejected))
    return np.array(track), np.array(tables)


plain, kept = tune(0.0)[0], tune(0.1)[0]
way = "falls" if plain[-1][1] < plain[0][1] else "rises"


# %% jupyter={"source_hidden": true}
shown = ("good", "bad", "long", "very", "a")
columns = [WORDS.index(word) for word in shown]
row = WORDS.index("was")


def sinking(step, keep):
    track, following = tune(keep)
    at = np.arange(len(track))
    along = Axis("step", 0, len(track) - 1)
    return Picture(
        [
            Panel("loss of the pair", [Curve(at, track[:, 0], "DPO"), Rule(step)],
                  along, Axis("", 0, 0.8)),
            Panel(
                "log-probability of the answers",
                [Curve(at, track[:, 1], "chosen"), Curve(at, track[:, 2], "rejected"),
                 Rule(step)],
                along,
                Axis("", -24, 0),
            ),
            Panel(
                "after “was” (dots: before)",
                [Bars(following[round(step)][row, columns], names=shown),
                 Points(np.arange(len(shown)), following[0][row, columns],
                        stroke="orange", size=5)],
                Axis("", -0.6, len(shown) - 0.4),
                Axis("", 0, 1),
            ),
        ],
        readings={
            "probability of the chosen answer": float(np.exp(track[round(step), 1])),
            "loss of the pair": track[round(step), 0],
        },
    )  # fmt: skip


Explorer(
    sinking,
    [
        Slider("step", 0, 40, 20, symbol="step", meaning="steps of tuning taken", whole=True),
        Slider("keep", 0, 0.1, 0, symbol="λ",
               meaning="weight of the chosen answer's own surprise"),
    ],
    title="One preference, and a word that both answers share",
    predict=Predict(
        "Gradient descent lowers the loss of this one pair, step by step. What happens to the "
        "probability of the chosen answer?",
        choices=("rises", "stays", "falls"),
        answer=way,
        because="Both answers need the step from “was” to “good”, and the rejected one twice.",
    ),
)  # fmt: skip

# %%
after_was = dict(zip(WORDS, tune(0.0)[1][-1][row], strict=True))
for step in (0, 20, 40):
    loss, *both = plain[step]
    print(f"step {step:2}: loss {loss:.3f}   "
          f"p(chosen) {np.exp(both[0]):.5f}   p(rejected) {np.exp(both[1]):.1e}")  # fmt: skip

# %% [markdown]
# Refuted. The loss falls steadily, from 0.693<!--= f"{plain[0][0]:.3f}" --> to 0.253<!--=
# f"{plain[-1][0]:.3f}" -->. And the probability of the *chosen* answer falls with it, from
# 9.9%<!--= f"{np.exp(plain[0][1]):.1%}" --> to 0.11%<!--= f"{np.exp(plain[-1][1]):.2%}" -->: the
# model has all but unlearned the one answer it was praised for.
#
# Why? The step from *was* to *good* occurs once in the chosen answer and twice in the rejected one.
# One pull up, two pulls down: it sinks. The loss does not mind, because the rejected answer, which
# needs that step twice, sinks faster. The probability that *good* lost goes to *very* and *bad*,
# which the person never judged at all. Praised for “it was good”, the model now says “it was bad”
# with 36%<!--= f"{after_was['bad']:.0%}" --> and “it was good” with
# 0.4%<!--= f"{after_was['good']:.1%}" -->. In real models the same has been seen when the two
# answers are nearly alike.
#
# The cure used in practice adds a little of the first loss of this chapter to the last: $\lambda$
# times the surprise at the chosen answer. It tilts the flat direction. With $\lambda$ at a tenth
# the chosen answer ends at 78%<!--= f"{np.exp(kept[-1][1]):.0%}" -->, at a slightly higher loss of
# the pair, 0.357<!--= f"{kept[-1][0]:.3f}" -->. **When you tune with preferences, plot the
# log-probability of the chosen answers**, not only the loss.
#
# ## Watch it fail: large numbers
#
# Answers are long, so their log-probabilities are large. Formulas typed as they are written do not
# survive that.

# %%
behind = np.array([-900.0, 0.0, 900.0])
none = np.zeros(3)
with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
    naive = -np.log(1 / (1 + np.exp(-behind)))
    tokens = np.full(1000, 0.4)  # a thousand tokens, each of probability 0.4
    ratio = np.log(np.prod(tokens) / np.prod(tokens * 0.9))
stable = lm.DPO(beta=1.0).value(behind, none, none, none)
print("−log σ(h) at h = −900, 0, 900:   typed", naive, "   lossmath", stable)
print(f"log(π / π_ref) of a thousand tokens:   ratio of products {ratio}   "
      f"sum of logs {-1000 * np.log(0.9):.2f}")  # fmt: skip
assert np.isinf(naive[0]) and np.isnan(ratio) and stable[0] == 900

# %% [markdown]
# A thousand factors of `0.4` make a number too small for a float, and the ratio becomes zero over
# zero. Never build the probability of a text. Keep logarithms, add them, and let the loss take the
# logarithm of the sigmoid in one piece.
#
# ## The losses on one screen

# %%
table(lm.CrossEntropyFromLogits, lm.Distillation, lm.KLPenalisedReward, lm.BradleyTerry, lm.DPO)

# %% [markdown]
# **How to choose.** Text to imitate: cross-entropy, labels shifted, padding masked, the denominator
# named. A better model to imitate: distillation. A score that you can compute and trust: the
# penalised reward, watching both reward and divergence. Only comparisons: DPO, or a reward model
# first; start at $\beta = 0.1$, smooth if the nods are noisy, and keep an eye on the chosen
# answers.
#
# ## Practise
#
# * [Masked mean](../exercises/04_masked_mean.ipynb): padding, the two denominators, and what a NaN
#   in a padded slot must not do.
# * [Pairwise preference](../exercises/08_pairwise_preference.ipynb): DPO from token to gradient,
#   and what the reference is for.
#
# ## Further reading
#
# * Shannon, *Prediction and entropy of printed English* (1951): people playing language model.
# * Hinton, Vinyals and Dean, *Distilling the knowledge in a neural network* (2015).
# * Bradley and Terry, *Rank analysis of incomplete block designs* (1952).
# * Ziegler and others, *Fine-tuning language models from human preferences* (2019), for the
#   penalty; Gao, Schulman and Hilton, *Scaling laws for reward model overoptimization* (2023).
# * Rafailov and others, *Direct preference optimization* (2023).
# * Razin and others, *Unintentional unalignment: likelihood displacement in direct preference
#   optimization* (2024), and Pal and others, *Smaug* (2024), on sinking answers; Pang and others,
#   *Iterative reasoning preference optimization* (2024), for the cure.
