// A dialog that shows what will happen before it is confirmed, and says why it cannot be.

import { carryOut } from "../actions.js";
import { poke } from "../live.js";
import { button, fill, h, newId, unhurried } from "./dom.js";
import { accompany, notice } from "./notices.js";
import { refusal } from "./refusal.js";

/* Ask for something:
     title, intro       what it is about
     fields             controls; whatever happens in them is an input
     foresee()          a promise of what to show, or of { show, allowed } where it may be refused;
                        null while something is missing
     act()              the action (see actions.js) to carry out when it is confirmed
     label, danger      the button; leave is the other one
     done(answer)       the text of the notice afterwards, or a node to show in the dialog's place */
export function ask({
  title,
  intro = null,
  fields = [],
  foresee = null,
  act,
  label,
  leave = "Cancel",
  danger = false,
  done,
  wide = false,
}) {
  const state = { asked: 0, allowed: !foresee, action: null, busy: false };
  const heading = h("h2", { id: newId("dialog") }, title);
  const foreseen = h("div", { class: "foreseen", role: "status", "aria-live": "polite" });
  const trouble = h("div", { class: "trouble" });
  const confirm = button(label, submit, { kind: danger ? "danger" : "primary" });
  confirm.type = "submit";
  const cancel = button(leave, () => dialog.close());
  const form = h(
    "form",
    { novalidate: true, on: { submit, input: changed } },
    h(
      "header",
      {},
      heading,
      button("×", () => dialog.close(), { kind: "bare", "aria-label": "Close" }),
    ),
    h("div", { class: "body" }, intro && h("p", {}, intro), fields, foreseen, trouble),
    h("footer", {}, cancel, confirm),
  );
  const dialog = h("dialog", { class: wide ? "wide" : null, "aria-labelledby": heading.id }, form);
  const look = unhurried(show);

  function submit(event) {
    event.preventDefault();
    if (state.allowed && !state.busy) go();
  }

  // What was confirmed is sent with the same key until its inputs change.
  function changed() {
    state.action = null;
    fill(trouble);
    if (foresee) {
      state.asked += 1; // what is still on its way is not shown any more
      allow(false);
      look();
    }
  }

  function allow(whether) {
    state.allowed = whether;
    confirm.setAttribute("aria-disabled", String(!whether || state.busy));
  }

  async function show() {
    const mine = ++state.asked;
    foreseen.classList.add("waiting");
    let shown = null;
    let allowed = false;
    try {
      const answer = await foresee();
      shown = answer?.show ?? answer;
      allowed = answer !== null && answer?.allowed !== false;
    } catch (problem) {
      shown = problem.passing ? unreachable() : refusal(problem);
    }
    if (mine !== state.asked) return;
    foreseen.classList.remove("waiting");
    fill(foreseen, shown);
    allow(allowed);
  }

  function unreachable() {
    return h(
      "div",
      { class: "message" },
      h("p", {}, "What will happen cannot be shown: the service cannot be reached."),
      button("Try again", show),
    );
  }

  async function go() {
    state.action ??= act();
    busy(true);
    fill(trouble);
    try {
      const answer = await carryOut(state.action);
      finish(done(answer));
    } catch (problem) {
      state.action = null;
      fill(trouble, refusal(problem));
      if (foresee) show();
    } finally {
      busy(false);
      poke();
    }
  }

  function busy(whether) {
    state.busy = whether;
    form.setAttribute("aria-busy", String(whether));
    for (const control of form.elements) if (control !== confirm) control.disabled = whether;
    confirm.classList.toggle("busy", whether);
    allow(state.allowed);
  }

  function finish(outcome) {
    if (outcome instanceof Node) {
      fill(form.querySelector(".body"), outcome);
      fill(
        form.querySelector("footer"),
        button("Done", () => dialog.close(), { kind: "primary" }),
      );
      form.querySelector("footer button").focus();
      return;
    }
    dialog.close();
    if (outcome) notice(outcome);
  }

  open(dialog, () => state.busy);
  allow(state.allowed);
  if (foresee) show();
  return dialog;
}

// Show a dialog; it is gone when it is closed, and the focus is where it was.
export function open(dialog, isBusy = () => false) {
  const opener = document.activeElement;
  const name = opener?.dataset?.focus;
  dialog.addEventListener("cancel", (event) => isBusy() && event.preventDefault());
  dialog.addEventListener("close", () => {
    dialog.remove();
    accompany();
    const back = opener?.isConnected
      ? opener
      : name && document.querySelector(`[data-focus="${CSS.escape(name)}"]`);
    (back || document.querySelector("main h1"))?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  accompany();
  dialog
    .querySelector(".body input:not([type=hidden]), .body select, .body textarea, footer button")
    ?.focus();
  return dialog;
}

// A list of facts: what, and how it is or will be.
export function facts(...rows) {
  return h(
    "dl",
    { class: "facts" },
    rows.filter(Boolean).map(([name, ...value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}
