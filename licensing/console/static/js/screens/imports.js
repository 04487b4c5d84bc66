// Import: many users or seat changes from a CSV file, tried first, then applied part by part.

import { button, field, fill, h, newId } from "../parts/dom.js";
import { heading } from "../parts/screen.js";
import { why } from "../store.js";
import { count } from "../words.js";
import { apply, check, KINDS } from "./import_steps.js";
import { outcomeOf } from "./import_outcome.js";

const LARGEST = 20_000_000;

export function imports() {
  const state = { kind: KINDS[0], text: "", checked: null, busy: false };
  const reason = why("manage_users");
  const file = h("input", {
    type: "file",
    accept: ".csv,text/csv",
    on: { change: () => chosen(file.files[0]) },
  });
  const text = h("textarea", {
    rows: 8,
    spellcheck: "false",
    class: "code",
    on: { input: () => changed(text.value) },
  });
  const skip = h("input", { type: "checkbox", id: newId("skip"), on: { change: () => showActions() } });
  const about = h("div", {});
  const outcome = h("div", {
    class: "outcome",
    role: "region",
    "aria-label": "What the file would do",
    "aria-live": "polite",
  });
  const actions = h("div", { class: "actions" });

  const kinds = h(
    "fieldset",
    { class: "options inline" },
    h("legend", {}, "What the file holds"),
    KINDS.map(kindOption),
  );
  const drop = h(
    "div",
    {
      class: "drop",
      on: {
        dragover: (event) => event.preventDefault(),
        drop: (event) => (event.preventDefault(), chosen(event.dataTransfer.files[0])),
      },
    },
    field("CSV file (or drop one here)", file),
    field("Its lines", text, "Lines can also be pasted here, and mended."),
  );

  function kindOption(kind, n) {
    const box = h("input", {
      type: "radio",
      name: "kind",
      id: `kind-${kind.path}`,
      checked: n === 0,
      on: { change: () => takeKind(kind) },
    });
    return h(
      "div",
      { class: "option" },
      box,
      h("label", { for: box.id }, h("strong", {}, kind.title), h("small", {}, kind.description)),
    );
  }

  function takeKind(kind) {
    state.kind = kind;
    fill(
      about,
      h("p", { class: "hint" }, "Columns: ", h("code", {}, kind.columns)),
      button("Use an example", () => changed((text.value = kind.example())), { kind: "small" }),
    );
    changed(text.value);
  }

  async function chosen(one) {
    if (!one) return;
    if (one.size > LARGEST)
      return fill(
        outcome,
        h("p", { class: "message bad" }, "This file is larger than 20 MB; cut it into parts."),
      );
    changed((text.value = await one.text()));
    return undefined;
  }

  function changed(value) {
    Object.assign(state, { text: value, checked: null });
    fill(outcome);
    showActions();
  }

  function showActions() {
    const { checked, busy } = state;
    const nothing = state.text.trim() ? null : "choose a file or paste lines first";
    const refused =
      checked?.refused && !skip.checked ? "some lines are refused; mend them, or leave them out" : null;
    const idle = busy ? "it is being worked on" : null;
    const untried = checked ? null : "try it first: a dry run says what would happen";
    const useless = checked && !checked.good ? "no line would change anything" : null;
    fill(
      actions,
      button("Dry run", dryRun, {
        why: reason ?? nothing ?? idle,
        kind: checked ? "" : "primary",
        "data-focus": "dry-run",
      }),
      button(checked?.good ? `Apply ${count(checked.good, "line")}` : "Apply", go, {
        why: reason ?? nothing ?? idle ?? untried ?? refused ?? useless,
        kind: checked ? "primary" : "",
        "data-focus": "apply",
      }),
      h("div", { class: "tick" }, skip, h("label", { for: skip.id }, "Leave out lines that are refused")),
    );
  }

  async function work(step, title) {
    const told = progress(title);
    fill(outcome, told.element);
    state.busy = true;
    showActions();
    try {
      return await step(told.show);
    } finally {
      state.busy = false;
    }
  }

  async function dryRun() {
    const before = state.text;
    const found = await work((tell) => check(state.kind, before, tell), "Trying");
    if (state.text !== before) return;
    state.checked = found;
    fill(outcome, outcomeOf(found, "would change"));
    showActions();
    actions.querySelector("[data-focus=apply]").focus();
  }

  async function go() {
    const done = await work((tell) => apply(state.kind, state.text, skip.checked, tell), "Applying");
    state.checked = null;
    if (!done.stopped) state.text = text.value = "";
    fill(outcome, outcomeOf(done, "changed"));
    showActions();
  }

  takeKind(state.kind);
  const note = reason && h("p", { class: "message" }, `You cannot import: ${reason}.`);
  const element = h(
    "div",
    { class: "import" },
    heading(
      "Import",
      "Users and seat changes from a CSV file. Nothing is done before you have seen what it does.",
    ),
    note,
    kinds,
    about,
    drop,
    actions,
    outcome,
  );
  return { element };
}

function progress(title) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": title });
  const said = h("p", {}, `${title}…`);
  const show = (done, all) => {
    Object.assign(bar, { max: all || 1, value: done });
    said.textContent = `${title}: ${done} of ${count(all, "line")}`;
  };
  return { element: h("div", { class: "progress" }, said, bar), show };
}
