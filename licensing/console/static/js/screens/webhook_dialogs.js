// Sending again what was sent before, and changing the secret.

import * as api from "../api.js";
import { button, field, h, select } from "../parts/dom.js";
import { ask, facts } from "../parts/dialog.js";
import { store } from "../store.js";
import { count, number } from "../words.js";

const OVERLAPS = [
  ["86400", "24 hours"],
  ["3600", "1 hour"],
  ["604800", "7 days"],
  ["1209600", "14 days"],
  ["0", "none: it ends at once"],
];

export function askReplay(endpoint, done) {
  const since = h("input", { type: "datetime-local" });
  const scope = select(
    [
      ["", "All accounts"],
      [store.account.id, store.account.name],
    ],
    endpoint.account_id ?? "",
    null,
    { disabled: endpoint.account_id !== null },
  );
  const wanted = () => ({
    account_id: scope.value || null,
    from_time: new Date(`${since.value}Z`).toISOString(),
  });
  ask({
    title: "Replay events",
    intro:
      "What was recorded since then is sent again, in order, with the same ids. Receivers that drop what they know lose nothing.",
    fields: [field("Since (UTC)", since), field("Accounts", scope)],
    label: "Replay",
    foresee: async () => (since.value ? foreseen(await api.previewReplay(endpoint.id, wanted())) : null),
    act: () => api.replay("Replay events", endpoint.id, wanted()),
    done: ({ events }) => {
      done();
      return `${count(events, "event")} will be sent again.`;
    },
  });
}

function foreseen({ events, parts }) {
  const show = facts(["Events", number(events)], ["Accounts", number(parts.length)]);
  return events
    ? show
    : { allowed: false, show: [show, h("p", { class: "message" }, "Nothing was recorded since then.")] };
}

export function askRotation(endpoint, done) {
  const overlap = select(OVERLAPS, "86400", null);
  ask({
    title: "Rotate the secret",
    intro: "A new secret is made and shown once. Messages carry a signature of both until the old one ends.",
    fields: [field("How long the old secret still counts", overlap)],
    label: "Make a new secret",
    danger: true,
    act: () => api.rotateSecret("Rotate the secret", endpoint.id, Number(overlap.value)),
    done: ({ secret }) => {
      done();
      return shownOnce(secret);
    },
  });
}

function shownOnce(secret) {
  const shown = h("input", { type: "text", readonly: true, value: secret, class: "code" });
  const copy = button("Copy", async () => {
    shown.select();
    await navigator.clipboard?.writeText(secret).catch(() => null);
    copy.textContent = "Copied";
  });
  return h(
    "div",
    {},
    h("p", { class: "message good" }, "This is the new secret. It cannot be shown again."),
    field("Secret", shown),
    copy,
  );
}
