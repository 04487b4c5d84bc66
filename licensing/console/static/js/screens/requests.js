// Requests for seats: who asks for what, and an answer.

import * as api from "../api.js";
import { button, fill, h, keyed } from "../parts/dom.js";
import { notice } from "../parts/notices.js";
import { badge, empty, heading, into } from "../parts/screen.js";
import { nameOf, namesOf, seatTitle, store, why } from "../store.js";
import { ago, moment } from "../words.js";
import { approve, decline, newRequest, withdraw } from "./request_dialogs.js";

const STANDINGS = [
  ["open", "Open"],
  ["approved", "Approved"],
  ["declined", "Declined"],
  ["withdrawn", "Withdrawn"],
];
const KINDS = { open: "warning", approved: "good", declined: "bad", withdrawn: "" };
const NOTHING = {
  open: ["No open requests", "When somebody asks for a seat, it stands here until it is answered."],
  approved: ["Nothing approved yet", "Requests that were approved stand here."],
  declined: ["Nothing declined", "Requests that were declined stand here."],
  withdrawn: ["Nothing withdrawn", "Requests that were taken back by who asked stand here."],
};

export function requests() {
  const state = { status: "open", items: [], next: null };
  const region = h("div", { class: "requests-region" });
  const list = h("ul", { class: "requests" });
  const more = h("div", { class: "more-of" });
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": "Which requests" });

  function showTabs() {
    const tab = ([status, title]) =>
      h(
        "button",
        {
          type: "button",
          class: "tab",
          "aria-pressed": String(status === state.status),
          "data-focus": `tab-${status}`,
          on: { click: () => choose(status) },
        },
        title,
      );
    fill(tabs, STANDINGS.map(tab));
  }

  function choose(status) {
    state.status = status;
    fill(region);
    showTabs();
    load();
  }

  async function fetchPage(cursor) {
    const page = await api.listRequests({ status: state.status, limit: 50, cursor });
    await namesOf(
      page.items.flatMap(({ user_id: user, requested_by: by, decided_by: decider }) => [
        user,
        by?.id,
        decider?.id,
      ]),
    );
    return page;
  }

  function load() {
    return into(
      region,
      () => fetchPage(null),
      (page) => {
        state.items = page.items;
        shown(page);
      },
    );
  }

  async function older() {
    try {
      const page = await fetchPage(state.next);
      state.items = [...state.items, ...page.items];
      shown(page);
    } catch (problem) {
      notice(`More requests could not be read: ${problem.message}`, { kind: "bad" });
    }
  }

  function shown(page) {
    state.next = page.next_cursor;
    keyed(
      list,
      state.items.map((request) => ({ request, reason: why("manage_users") })),
      ({ request }) => request.id,
      item,
    );
    fill(region, state.items.length ? list : empty(...NOTHING[state.status]));
    fill(more, state.next && button("Show more", older, { "data-focus": "more" }));
  }

  showTabs();
  load();
  const ask = button("Ask for a seat", newRequest, { kind: "primary", "data-focus": "new-request" });
  return {
    element: h("div", {}, heading("Requests", "Who asks for a seat.", ask), tabs, region, more),
    refresh: load,
  };
}

function item({ request, reason }) {
  const { user_id: user, seat_type: type, status, created_at: at } = request;
  const title = `${nameOf(user)} asks for a ${seatTitle(type)} seat`;
  return h(
    "li",
    { class: "card request" },
    h(
      "div",
      {},
      h("h2", {}, title),
      h("p", { class: "muted" }, h("time", { datetime: at, title: moment(at) }, ago(at)), asker(request)),
      request.note && h("blockquote", {}, request.note),
      decision(request),
    ),
    h(
      "div",
      { class: "actions" },
      status === "open"
        ? answers(request, reason)
        : badge(STANDINGS.find(([name]) => name === status)[1], KINDS[status]),
    ),
  );
}

function asker({ user_id: user, requested_by: by }) {
  return by?.id && by.id !== user ? `, sent by ${by.type === "user" ? nameOf(by.id) : "a service"}` : "";
}

function decision({ status, decided_by: by, decided_at: at, decision_note: note }) {
  if (status === "open" || !at) return null;
  const who = by?.type === "user" ? nameOf(by.id) : "a service";
  return h(
    "p",
    {},
    `${STANDINGS.find(([name]) => name === status)[1]} ${ago(at)} by ${who}${note ? `: “${note}”` : "."}`,
  );
}

function answers(request, reason) {
  const own = request.user_id === store.me.id;
  const name = nameOf(request.user_id);
  return [
    button("Approve", () => approve(request), {
      kind: "primary",
      why: reason,
      "aria-label": `Approve the request of ${name}`,
      "data-focus": `approve-${request.id}`,
    }),
    button("Decline", () => decline(request), {
      why: reason,
      "aria-label": `Decline the request of ${name}`,
      "data-focus": `decline-${request.id}`,
    }),
    own &&
      button("Withdraw", () => withdraw(request), { kind: "quiet", "data-focus": `withdraw-${request.id}` }),
  ];
}
