// How many seats of a type there were, and how many of them were held.

import * as api from "../api.js";
import { chart } from "../parts/chart.js";
import { field, fill, h, keyed, select } from "../parts/dom.js";
import { empty, into } from "../parts/screen.js";
import { seatTitle, store } from "../store.js";
import { daysFromNow } from "../words.js";

const SPANS = [
  ["30", "30 days", "day"],
  ["90", "90 days", "day"],
  ["365", "a year", "week"],
];

export function seatChart() {
  const state = { pool: store.pools[0]?.id, span: "90" };
  const region = h("div", { class: "chart-region" });
  const types = store.pools.map(({ id, seat_type: name, status }) => [
    id,
    status === "open" ? seatTitle(name) : `${seatTitle(name)} (ended)`,
  ]);
  const take = (name) => (value) => {
    state[name] = value;
    load();
  };
  const controls = h(
    "div",
    { class: "filters labelled" },
    field("Seat type", select(types, state.pool, take("pool"))),
    field(
      "Over",
      select(
        SPANS.map(([days, text]) => [days, text]),
        state.span,
        take("span"),
      ),
    ),
  );

  function load() {
    if (!state.pool)
      return fill(region, empty("No seats yet", "Once seats are bought, their numbers are drawn here."));
    const [days, text, interval] = SPANS.find(([value]) => value === state.span);
    const ask = () =>
      api.poolHistory(state.pool, {
        from: daysFromNow(-Number(days)),
        to: new Date().toISOString(),
        interval,
      });
    return into(region, ask, ({ items, seat_type: name }) => {
      const drawn = { items, caption: `${seatTitle(name)} seats over ${text}` };
      keyed(region, [drawn], ({ caption }) => caption, draw);
    });
  }

  load();
  return {
    element: h(
      "section",
      { class: "card chart-card", "aria-label": "Seats over time" },
      h("header", {}, h("h2", {}, "Seats over time"), controls),
      region,
    ),
    load,
  };
}

function draw({ items, caption }) {
  return items.length
    ? chart(items, caption)
    : empty("Nothing to draw", "There were no seats of this type in this time.");
}
