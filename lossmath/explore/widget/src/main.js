// The explorer in the browser. Paint first, then tell the kernel; no formula lives here.

import { element, number, prediction, range } from "./controls.js";
import { Frames } from "./frames.js";
import { Panels } from "./panels.js";

const SYNC = 100; // ms of rest before the new values go to the kernel
const SPEAK = 600; // ms of rest before they are read aloud
const BUSY = 100; // ms of waiting before the busy mark shows
const GONE = "The kernel that drew this was restarted: run the cell again.";

function debounced(wait, act) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };
}

function render({ model, el }) {
  let spec = model.get("_spec");
  let frames = new Frames(spec, model.get("_frames"));
  const home = Object.fromEntries(spec.sliders.map((slider) => [slider.name, slider.default]));
  const values = Object.fromEntries(spec.sliders.map((slider) => [slider.name, model.get(slider.name)]));
  let kernel = Boolean(model.send);
  let live = spec.live && kernel;
  let pinned = null;
  let shown = null;

  let panels = new Panels(spec, pull, rest);
  const sliders = spec.sliders.map((slider) =>
    range(slider, (value) => turn({ [slider.name]: value }), rest),
  );
  const reset = element("button", { type: "button" }, "Reset");
  const pin = element("button", { type: "button", "aria-pressed": "false" }, "Pin to compare");
  const busy = element("span", { class: "lm-busy", role: "status" });
  const spoken = element("span", { class: "lm-spoken", "aria-live": "polite" });
  const readings = spec.readings.map((name) => ({ name, value: element("b") }));
  const words = element("p");

  const root = element("div", { class: "lm-explorer" });
  if (spec.title) root.append(element("p", { class: "lm-title" }, spec.title));
  if (spec.predict) {
    root.classList.add("lm-hidden");
    root.append(prediction(spec.predict, reveal));
  }
  root.append(panels.node());
  if (readings.length) {
    root.append(
      element("div", { class: "lm-readings" }, ...readings.map((r) => element("span", {}, `${r.name}: `, r.value))),
    );
  }
  if (sliders.length) {
    root.append(element("div", { class: "lm-controls" }, ...sliders.map((s) => s.box), reset, pin, busy));
  }
  root.append(
    element("details", { class: "lm-words" }, element("summary", {}, "In words"), words),
    spoken,
  );
  el.append(root);

  const sync = debounced(SYNC, () => model.save_changes());
  const speak = debounced(SPEAK, () => {
    if (root.classList.contains("lm-hidden")) return;
    spoken.textContent = [...sliders.map((s) => s.input.getAttribute("aria-valuetext")), ...spoken.readings].join(", ");
  });
  spoken.readings = [];

  function say(text) {
    words.textContent = text;
    const told = root.classList.contains("lm-hidden") ? "Hidden until you commit an answer." : text;
    panels.node().setAttribute("aria-label", `${spec.opening} ${told}`.trim());
  }

  function reveal() {
    root.classList.remove("lm-hidden");
    say(words.textContent);
  }

  function paint(arrays) {
    shown = arrays;
    panels.paint(arrays);
    const away = spec.sliders.some((slider) => values[slider.name] !== slider.default);
    panels.compare(pinned ?? (away ? frames.start() : null));
    spoken.readings = readings.map((reading, i) => {
      const text = number(arrays.at(-1)[i]);
      reading.value.textContent = text;
      return `${reading.name} ${text}`;
    });
  }

  function show() {
    sliders.forEach((slider, i) => slider.show(values[spec.sliders[i].name]));
    if (live) {
      ask();
      return;
    }
    let arrays = frames.at(values);
    if (!arrays && !kernel) {
      sendHome();
      arrays = frames.at(values) ?? frames.start();
    }
    if (arrays) {
      paint(arrays);
      say(spec.words[frames.nearest(values)]);
    } else ask();
  }

  // There are frames only where the first two sliders, or any other one, are away from home.
  function sendHome() {
    const pair = frames.pair();
    const kept = pair.some(({ name }) => name === last) ? pair.map(({ name }) => name) : [last];
    for (const name of Object.keys(values)) if (!kept.includes(name)) values[name] = home[name];
    sliders.forEach((slider, i) => slider.show(values[spec.sliders[i].name]));
    const [one, other] = pair.map(({ sign }) => sign);
    excuse(`Without Python, ${one} and ${other} move together and any other slider alone: the rest are back at their start.`);
  }

  let last = null;
  function turn(changes) {
    Object.assign(values, changes);
    last = Object.keys(changes).at(-1);
    show();
    for (const name of Object.keys(values)) model.set(name, values[name]);
    sync();
    speak();
  }

  function pull(names, position) {
    const changes = {};
    names.forEach((name, i) => {
      const slider = spec.sliders.findIndex((s) => s.name === name);
      if (slider >= 0) changes[name] = sliders[slider].nearest(position[i]);
    });
    turn(changes);
  }

  function rest() {
    model.save_changes();
    ask();
  }

  // One question to the kernel at a time, always about the latest values.
  let asked = null;
  let waiting = false;
  let serial = 0;
  let clock;
  function ask() {
    if (!kernel) return;
    if (asked !== null) {
      waiting = true;
      return;
    }
    asked = ++serial;
    waiting = false;
    clock = setTimeout(() => {
      root.classList.add("lm-is-busy");
      busy.textContent = "computing…";
    }, BUSY);
    model.send({ id: asked, values: { ...values } });
  }

  // In place of the busy mark: why the picture is not the exact one, if it is not.
  function excuse(text) {
    clearTimeout(clock);
    root.classList.toggle("lm-is-busy", Boolean(text));
    busy.textContent = text;
  }

  // ipywidgets says so once the channel to the kernel is closed for good.
  function lost() {
    kernel = false;
    excuse(live ? GONE : "");
  }

  // The frames have come, to the picture that was shown without them.
  function arrived() {
    spec = model.get("_spec");
    frames = new Frames(spec, model.get("_frames"));
    live = spec.live && kernel;
    const before = panels.node();
    panels = new Panels(spec, pull, rest);
    before.replaceWith(panels.node());
    paint(shown);
    say(words.textContent);
  }

  function answered(message, buffers) {
    if (message.id !== asked) return;
    asked = null;
    excuse(message.error ?? "");
    if (!message.error && (live || !waiting)) {
      paint(frames.exact(buffers[0]));
      say(message.words);
    }
    if (waiting) ask();
  }

  reset.addEventListener("click", () => {
    pinned = null;
    pin.setAttribute("aria-pressed", "false");
    turn(home);
    rest();
  });
  pin.addEventListener("click", () => {
    pinned = pinned ? null : shown;
    pin.setAttribute("aria-pressed", String(Boolean(pinned)));
    paint(shown);
  });

  const followers = spec.sliders.map(({ name }) => {
    const follow = () => {
      if (model.get(name) === values[name]) return;
      values[name] = model.get(name);
      last = name;
      show();
      speak();
    };
    model.on(`change:${name}`, follow);
    return [`change:${name}`, follow];
  });
  model.on("change:_spec", arrived);
  model.on("msg:custom", answered);
  model.on("comm_live_update", lost);

  const start = frames.at(values) ?? frames.start();
  sliders.forEach((slider, i) => slider.show(values[spec.sliders[i].name]));
  paint(start);
  say(spec.words[frames.nearest(values)]);
  if (!frames.at(values)) ask();
  return () => {
    for (const [event, follow] of followers) model.off(event, follow);
    model.off("change:_spec", arrived);
    model.off("msg:custom", answered);
    model.off("comm_live_update", lost);
  };
}

// A page without a kernel: every <script type="application/json" data-lm-explorer> becomes one.
export async function mount(page = document) {
  for (const script of page.querySelectorAll("script[data-lm-explorer]")) {
    const packed = JSON.parse(script.textContent);
    const spec = JSON.parse(new TextDecoder().decode(await inflated(packed.spec)));
    const state = { _spec: spec, _frames: new DataView(await inflated(packed.frames)) };
    for (const slider of spec.sliders) state[slider.name] = slider.default;
    const el = element("div");
    script.replaceWith(el);
    render({ el, model: { get: (key) => state[key], set: (key, value) => (state[key] = value), save_changes() {}, on() {}, off() {} } });
  }
}

function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

export default { render };
