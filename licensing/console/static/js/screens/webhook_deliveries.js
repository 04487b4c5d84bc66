// What was delivered to an endpoint: filtered, paged, each with its attempts and its payload.

import * as api from "../api.js";
import { button, field, fill, h, keyed, select, unhurried } from "../parts/dom.js";
import { open } from "../parts/dialog.js";
import { notice } from "../parts/notices.js";
import { refusal } from "../parts/refusal.js";
import { badge, empty, into } from "../parts/screen.js";
import { moment, number, words } from "../words.js";
import { outcome } from "./webhook_health.js";

const OUTCOMES = [
  "delivered",
  "endpoint_trouble",
  "slow_down",
  "message_trouble",
  "gone",
  "given_up",
  "blocked",
];
const PAGE = 25;

export function deliveries(id) {
  const state = { query: {}, items: [], next: null };
  const region = h("div", {});
  const body = h("tbody", {});
  const more = h("div", { class: "more-of" });
  const columns = ["Event", "Account", "Outcome", "Attempts", "Last attempt", ""];
  const heads = columns.map((title) =>
    h("th", { scope: "col" }, title || h("span", { class: "unseen" }, "Details")),
  );
  const table = h(
    "table",
    { class: "rows" },
    h("caption", { class: "unseen" }, "Deliveries"),
    h("thead", {}, h("tr", {}, heads)),
    body,
  );

  const put = (name) => (value) => {
    state.query[name] = value.trim() || null;
    fill(region);
    load();
  };
  const type = h("input", {
    type: "text",
    placeholder: "seat.assigned",
    on: { input: unhurried(({ target }) => put("event_type")(target.value)) },
  });
  const outcomes = select(
    [["", "Every outcome"], ...OUTCOMES.map((name) => [name, words(name)])],
    "",
    put("outcome"),
  );
  const bar = h(
    "div",
    { class: "filters labelled", role: "search" },
    field("Event type", type),
    field("Outcome", outcomes),
  );

  function load() {
    return into(
      region,
      () => api.listDeliveries(id, { ...state.query, limit: PAGE }),
      (page) => {
        state.items = page.items;
        shown(page);
      },
    );
  }

  async function older() {
    try {
      const page = await api.listDeliveries(id, { ...state.query, limit: PAGE, cursor: state.next });
      state.items = [...state.items, ...page.items];
      shown(page);
    } catch (problem) {
      notice(problem.message, { kind: "bad" });
    }
  }

  function shown(page) {
    state.next = page.next_cursor;
    keyed(
      body,
      state.items,
      ({ event_id: event }) => event,
      (delivery) => row(id, delivery),
    );
    fill(
      region,
      state.items.length
        ? table
        : empty("Nothing delivered", "What is sent to this endpoint stands here, with every attempt."),
    );
    fill(more, state.next && button("Show older", older, { "data-focus": "older" }));
  }

  load();
  // Who looks at older ones is not thrown back to the newest.
  const refresh = () => (state.items.length > PAGE ? undefined : load());
  return {
    element: h("section", { "aria-label": "Deliveries" }, h("h2", {}, "Deliveries"), bar, region, more),
    refresh,
  };
}

function row(id, delivery) {
  const {
    event_id: event,
    event_type: type,
    account_id: account,
    sequence,
    attempt_count: attempts,
    last_attempt_at: at,
  } = delivery;
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row", class: "who" },
      h("span", { class: "name" }, type),
      h("span", { class: "email" }, sequence ? `number ${number(sequence)}` : event),
    ),
    h("td", { "data-label": "Account", class: "id" }, account ?? "–"),
    h("td", { "data-label": "Outcome" }, outcome(delivery)),
    h("td", { "data-label": "Attempts" }, number(attempts)),
    h("td", { "data-label": "Last attempt" }, at ? moment(at) : "–"),
    h(
      "td",
      { class: "act" },
      button("Details", () => details(id, delivery), {
        kind: "small",
        "aria-label": `Details of ${type} ${sequence ?? ""}`,
        "data-focus": `details-${event}`,
      }),
    ),
  );
}

async function details(id, { event_id: event, event_type: type, account_id: account, sequence }) {
  const attempts = h("div", {});
  const payload = h("div", {});
  const again = button("Send again", sendAgain);
  const title = `${type}${sequence ? `, number ${sequence}` : ""}`;
  const body = h(
    "div",
    { class: "body" },
    h("h3", {}, "Attempts"),
    attempts,
    h("h3", {}, "Payload"),
    payload,
  );
  const dialog = h(
    "dialog",
    { class: "wide", "aria-label": title },
    h(
      "header",
      {},
      h("h2", {}, title),
      button("×", () => dialog.close(), { kind: "bare", "aria-label": "Close" }),
    ),
    body,
    h(
      "footer",
      {},
      again,
      button("Done", () => dialog.close(), { kind: "primary" }),
    ),
  );

  async function sendAgain() {
    try {
      await api.retryDelivery(id, event);
      notice("It was sent again.");
    } catch (problem) {
      fill(attempts, refusal(problem), attempts.lastChild);
      return;
    }
    fill(attempts);
    load();
  }

  const load = () =>
    into(
      attempts,
      () => api.getDelivery(id, event),
      (found) => fill(attempts, h("ol", { class: "attempts" }, found.attempts.map(attempt))),
    );
  open(dialog);
  load();
  if (!account) fill(payload, h("p", { class: "muted" }, "This message is in no account’s log."));
  else
    into(
      payload,
      () => api.payloadOf(account, event),
      (found) =>
        fill(payload, h("pre", { tabindex: 0, "aria-label": "Payload" }, JSON.stringify(found, null, 2))),
    );
}

function attempt({ created_at: at, occasion, outcome: verdict, status, detail, milliseconds, answer }) {
  const took = Object.values(milliseconds ?? {}).reduce((sum, part) => sum + (part || 0), 0);
  return h(
    "li",
    {},
    h(
      "p",
      {},
      badge(words(verdict), verdict === "delivered" ? "good" : "bad"),
      ` ${moment(at)}, ${words(occasion).toLowerCase()}${status ? `, answered ${status}` : ""}, ${number(Math.round(took))} ms`,
    ),
    detail && verdict !== "delivered" && h("p", { class: "muted" }, detail),
    answer && h("pre", { tabindex: 0, "aria-label": "Answer" }, answer),
  );
}
