// Native, labelled, keyboard-operable controls.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// An id no other explorer on the page has; each widget loads its own copy of this module.
export const unique = (what) => `lm-${what}-${Math.random().toString(36).slice(2)}`;

// Three digits and whole thousands, as in the words: 0.0002, 113636, but 6.15e−6.
export function number(value) {
  const size = Math.abs(value);
  const rounded = size >= 1e3 && size < 1e6 ? Math.round(value) : Number(value.toPrecision(3));
  const plain = size === 0 || (size >= 1e-4 && size < 1e6);
  return (plain ? String(rounded) : rounded.toExponential()).replaceAll("-", "−");
}

// One range input over the slider's stops. `turn(value)` while it moves, `rest()` when let go.
export function range(slider, turn, rest) {
  const id = unique("slider");
  const { stops, texts, sign, meaning, unit } = slider;
  const input = element("input", {
    type: "range", id, min: 0, max: stops.length - 1, step: 1, "data-lm-suppress-shortcuts": "true",
  });
  const output = element("output", { for: id });
  const name = [meaning ? `${sign} — ${meaning}` : sign, unit && `in ${unit}`].filter(Boolean).join(", ");
  const box = element("div", { class: "lm-slider" }, element("label", { for: id }, name), output, input);
  const nearest = (value) =>
    stops.reduce((best, stop, i) => (Math.abs(stop - value) < Math.abs(stops[best] - value) ? i : best), 0);
  input.addEventListener("input", () => turn(stops[input.valueAsNumber]));
  input.addEventListener("change", rest);
  const show = (value) => {
    const stop = nearest(value);
    const text = stops[stop] === value ? texts[stop] : number(value);
    input.value = stop;
    input.setAttribute("aria-valuetext", `${sign} = ${text}`);
    output.textContent = `${sign} = ${text}`;
  };
  return { box, input, show, nearest: (value) => stops[nearest(value)] };
}

// The question asked before the picture is shown. `reveal()` once an answer is committed.
export function prediction(question, reveal) {
  const group = unique("predict");
  const verdict = element("p", { "aria-live": "polite" });
  const commit = element("button", { type: "button", disabled: true }, "Commit");
  const inputs = question.choices.length
    ? question.choices.map((choice) => element("input", { type: "radio", name: group, value: choice }))
    : [element("input", { type: "number", step: "any", "aria-label": "your answer" })];
  const fields = question.choices.length
    ? inputs.map((input) => element("label", {}, input, ` ${input.value}`))
    : inputs;
  const given = () =>
    question.choices.length ? inputs.find((input) => input.checked)?.value : inputs[0].valueAsNumber;
  const right = (answer) =>
    question.choices.length ? answer === question.answer : Math.abs(answer - question.answer) <= question.within;
  const answer = question.choices.length ? question.answer : number(question.answer);
  for (const input of inputs) {
    input.setAttribute("data-lm-suppress-shortcuts", "true");
    input.addEventListener("input", () => {
      commit.disabled = given() === undefined || Number.isNaN(given());
    });
  }
  commit.addEventListener("click", () => {
    verdict.textContent = right(given())
      ? `Yes. ${question.because}`
      : `Not this time: the answer is ${answer}. ${question.because}`;
    reveal();
  });
  return element(
    "fieldset", { class: "lm-predict" },
    element("legend", {}, "Predict first"),
    element("p", {}, question.question),
    element("p", {}, ...fields, commit),
    verdict,
  );
}
