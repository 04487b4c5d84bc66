// History: how many seats there were, and everything that happened, newest first.

import * as api from "../api.js";
import { circumstances, involved, KINDS, sentence } from "../happenings.js";
import { save } from "../parts/csv.js";
import { button, field, fill, h, keyed, select } from "../parts/dom.js";
import { notice } from "../parts/notices.js";
import { picker } from "../parts/picker.js";
import { empty, heading, into } from "../parts/screen.js";
import { namesOf, store, why } from "../store.js";
import { beginning, end, isoDay, moment, time, weekday } from "../words.js";
import { seatChart } from "./seat_chart.js";

const PAGE = 50;

export function history() {
  const chart = seatChart();
  const reason = why("super_admin");
  if (reason) {
    const closed = h(
      "p",
      { class: "message" },
      `The log of ${store.account.name} is closed to you: ${reason}.`,
    );
    return {
      element: h("div", {}, heading("History", "What happened in this account."), chart.element, closed),
      refresh: chart.load,
    };
  }
  const log = timeline();
  return {
    element: h(
      "div",
      {},
      heading("History", "What happened in this account, and who did it."),
      chart.element,
      log.element,
    ),
    refresh() {
      chart.load();
      return log.refresh();
    },
    close: log.close,
  };
}

function timeline() {
  const state = { query: {}, events: [], next: null, waiting: null };
  const region = h("div", { class: "timeline-region" });
  const list = h("ol", { class: "timeline" });
  const more = h("div", { class: "more-of" });
  const bar = filters((query) => {
    state.query = query;
    load();
  });
  const exportAll = async () => {
    try {
      save(`history of ${store.account.name}.csv`, await api.eventsCsv(state.query));
    } catch (problem) {
      notice(`The file could not be fetched: ${problem.message}`, { kind: "bad", stays: true });
    }
  };
  const top = h(
    "div",
    { class: "section" },
    h("h2", {}, "Log"),
    button("Export CSV", exportAll, { kind: "quiet" }),
  );
  const element = h("section", { "aria-label": "Log" }, top, bar, region, more);

  function load() {
    state.waiting?.abort();
    state.waiting = new AbortController();
    return into(
      region,
      () => fetchPage(null),
      (page) => {
        state.events = page.items;
        shown(page);
      },
    );
  }

  async function fetchPage(cursor) {
    const page = await api.listEvents(
      { ...state.query, order: "newest", limit: PAGE, cursor },
      state.waiting.signal,
    );
    await namesOf(involved(page.items));
    return page;
  }

  async function older() {
    try {
      const page = await fetchPage(state.next);
      state.events = [...state.events, ...page.items];
      shown(page);
    } catch (problem) {
      if (problem.name !== "AbortError")
        notice(`Older events could not be read: ${problem.message}`, { kind: "bad" });
    }
  }

  function shown(page) {
    state.next = page.next_cursor;
    if (!state.events.length) {
      fill(region, empty("Nothing here", "No event of the log fits these filters."));
    } else {
      keyed(list, daysOf(state.events), ({ day }) => day, dayOf);
      fill(region, list);
    }
    fill(more, state.next && button("Show older", older, { "data-focus": "older" }));
  }

  // News is put in front of what is shown; filters apply to it as to the rest.
  async function refresh() {
    const newest = state.events[0]?.sequence ?? 0;
    const page = await fetchPage(null);
    const fresh = page.items.filter(({ sequence }) => sequence > newest);
    if (fresh.length === page.items.length) state.events = [];
    state.events = [...fresh, ...state.events];
    shown(fresh.length === page.items.length ? page : { next_cursor: state.next });
  }

  load();
  return { element, refresh, close: () => state.waiting?.abort() };
}

function daysOf(events) {
  const days = new Map();
  for (const event of events) {
    const day = isoDay(event.timestamp);
    if (!days.has(day)) days.set(day, { day, events: [] });
    days.get(day).events.push(event);
  }
  return [...days.values()];
}

function dayOf({ events }) {
  return h("li", {}, h("h3", {}, weekday(events[0].timestamp)), h("ol", {}, events.map(entry)));
}

// What follows from something else by itself takes less room.
function entry(event) {
  const quiet = event.type === "user.entitlements_changed";
  return h(
    "li",
    { class: quiet ? "event quiet" : "event", title: `${event.type}, number ${event.sequence}` },
    h("time", { datetime: event.timestamp, title: moment(event.timestamp) }, time(event.timestamp)),
    h("div", {}, h("p", {}, sentence(event)), !quiet && h("small", {}, circumstances(event))),
  );
}

function filters(changed) {
  const query = {};
  const put = (name, value) => {
    query[name] = value || null;
    changed({ ...query });
  };
  const who = picker("About");
  who.addEventListener("input", (event) => event.target === who && put("user_id", who.user?.user_id));
  const date = (label, name, instant) =>
    field(
      label,
      h("input", {
        type: "date",
        on: { change: (event) => put(name, event.target.value && instant(event.target.value)) },
      }),
    );
  return h(
    "div",
    { class: "filters labelled", role: "search" },
    field(
      "Kind",
      select(KINDS, "", (value) => put("type", value)),
    ),
    who,
    date("From", "from", beginning),
    date("To", "to", end),
  );
}
