// Without a token: how to get in, and how to go on when the token has expired.

import { button, field, fill, h } from "./parts/dom.js";
import { open } from "./parts/dialog.js";
import { session, signIn } from "./session.js";

// Show how to get in; a token can be pasted.
export function askForToken(main, start) {
  const form = tokenForm("Open the console", (token) => {
    if (!signIn(token)) return "This is no session token.";
    start();
    return null;
  });
  fill(
    main,
    h(
      "section",
      { class: "alone" },
      h("h1", { tabindex: -1 }, "You are not signed in"),
      h(
        "p",
        {},
        "Open this page from your product, which signs you in. What signs you in is kept in memory only, so a reloaded page has to be opened again.",
      ),
      form,
    ),
  );
}

let asking = null;

// The token has expired: ask for another one of the same user; the page, and what was typed, stays.
export function askAgain() {
  asking ??= new Promise((resolve) => {
    const before = { ...session };
    const form = tokenForm("Go on", (token) => {
      const good = signIn(token);
      if (good && session.userId === before.userId && session.accountId === before.accountId) {
        dialog.close();
        return null;
      }
      Object.assign(session, before);
      return good ? "This token is somebody else’s. Ask for one of yours." : "This is no session token.";
    });
    const text =
      "Open the console from your product again, or paste a new session token here. Nothing is lost: what you were doing goes on.";
    const dialog = h(
      "dialog",
      { "aria-labelledby": "session-over", class: "session-over" },
      h("header", {}, h("h2", { id: "session-over" }, "Your session is over")),
      h("div", { class: "body" }, h("p", {}, text), form),
    );
    const closed = () => {
      asking = null;
      resolve();
    };
    open(dialog, () => session.token === before.token);
    dialog.addEventListener("close", closed);
  });
  return asking;
}

function tokenForm(label, take) {
  const input = h("input", { type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const said = h("p", { class: "message bad", role: "alert", hidden: true });
  const submit = (event) => {
    event.preventDefault();
    const wrong = take(input.value);
    said.hidden = !wrong;
    said.textContent = wrong ?? "";
  };
  const go = button(label, () => {}, { kind: "primary" });
  go.type = "submit";
  return h("form", { class: "token", on: { submit } }, field("Session token", input), said, go);
}
