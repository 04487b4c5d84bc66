// Building the page. Whatever comes from the API becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, properties, ...children) {
  return built(document.createElement(tag), properties, children);
}

export function svg(tag, properties, ...children) {
  return built(document.createElementNS(SVG, tag), properties, children);
}

function built(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) set(node, name, value);
  node.append(...flat(children));
  return node;
}

function set(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "on") {
    for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
  } else if (name === "value" || name === "checked" || name === "selected") {
    node[name] = value;
  } else {
    node.setAttribute(name, value === true ? "" : value);
  }
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

// Put children in place of those that are there; nothing moves where nothing has changed.
export function fill(node, ...children) {
  const wanted = flat(children);
  const same =
    wanted.length === node.childNodes.length && wanted.every((child, n) => child === node.childNodes[n]);
  if (!same) keepingFocus(() => node.replaceChildren(...wanted));
  return node;
}

// Show items as children of a node. A child whose item has not changed stays the same element, so
// that what is focused, hovered or read aloud is not pulled away by news from elsewhere.
export function keyed(node, items, keyOf, render) {
  const before = node.shown ?? new Map();
  const after = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const text = JSON.stringify(item);
    const known = before.get(key);
    after.set(key, known?.text === text ? known : { text, child: render(item) });
  }
  node.shown = after;
  return fill(
    node,
    [...after.values()].map(({ child }) => child),
  );
}

// What had the focus gets it back by its data-focus name, where it was made anew.
function keepingFocus(change) {
  const focused = document.activeElement;
  const name = focused?.dataset?.focus;
  change();
  if (name && !focused.isConnected) {
    document.querySelector(`[data-focus="${CSS.escape(name)}"]`)?.focus({ preventScroll: true });
  }
}

let numbers = 0;

export function newId(stem) {
  numbers += 1;
  return `${stem}-${numbers}`;
}

// A button. One that may not be pressed can still be reached, and says why.
export function button(label, press, { kind = "", why = null, ...more } = {}) {
  const press_ = (event) => (why ? event.preventDefault() : press(event));
  return h(
    "button",
    {
      type: "button",
      class: `button ${kind}`,
      title: why,
      "aria-disabled": why && "true",
      on: { click: press_ },
      ...more,
    },
    label,
    why && h("span", { class: "unseen" }, ` (${why})`),
  );
}

// A control with its label above it, and a hint below.
export function field(label, control, hint = null) {
  control.id ||= newId("field");
  const note = hint && h("small", { id: newId("hint"), class: "hint" }, hint);
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, note);
}

export function select(options, chosen, changed, more = {}) {
  const made = options.map(([value, text]) => h("option", { value, selected: value === chosen }, text));
  return h("select", { on: { change: (event) => changed?.(event.target.value) }, ...more }, made);
}

// Call only when nothing more has come for a moment.
export function unhurried(act, wait = 250) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), wait);
  };
}
