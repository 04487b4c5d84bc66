// What the page has to say by itself: short notices in a corner, and one line on the connection.

import { underWay, onTrouble, tryNow } from "../actions.js";
import { button, fill, h } from "./dom.js";

const LASTING = 6000;
const region = h("div", { class: "notices", role: "status", "aria-live": "polite" });
const line = h("div", { class: "connection", role: "alert" });
let offline = false;

export function showNotices() {
  onTrouble(showConnection);
  accompany();
}

// While a dialog is open nothing else can be reached, so what is said is said inside of it.
export function accompany() {
  (document.querySelector("dialog:modal:last-of-type") ?? document.body).append(line, region);
}

// Say something. What only tells goes away by itself; what matters stays until it is closed.
export function notice(text, { kind = "good", stays = false } = {}) {
  const shown = h("div", { class: `notice ${kind}` }, h("p", {}, text));
  const close = () => shown.remove();
  shown.append(button("×", close, { kind: "bare", "aria-label": "Close this notice" }));
  region.append(shown);
  if (!stays) setTimeout(close, LASTING);
}

export function connection(reached) {
  offline = !reached;
  showConnection();
}

function showConnection() {
  const waiting = [...underWay].filter((action) => action.trouble);
  if (waiting.length) {
    fill(line, h("p", {}, waitingText(waiting)), button("Try now", tryNow, { kind: "small" }));
  } else if (offline) {
    fill(line, h("p", {}, "The service cannot be reached. What you see may be out of date; trying again."));
  } else {
    fill(line);
  }
}

function waitingText(waiting) {
  const [{ title, trouble }] = waiting;
  const cause = trouble.status === 429 ? "The service is busy" : "No answer yet";
  return `${cause}: “${title}” is kept and sent again until it is answered. It is done only once.`;
}
