// What the table can be narrowed to.

import { h, select, unhurried } from "../parts/dom.js";
import { assignable, seatTitle } from "../store.js";
import { daysFromNow } from "../words.js";

const HOLDING = [
  ["", "Any seats"],
  ["paid", "Holds a paid seat"],
  ["unpaid", "Holds no paid seat"],
  ["none", "Holds no seat"],
];
const STATUS = [
  ["", "Any status"],
  ["active", "Active"],
  ["invited", "Invited"],
  ["deactivated", "Deactivated"],
];
const INVITATION = [
  ["", "Any invitation"],
  ["pending", "Pending"],
  ["accepted", "Accepted"],
  ["expired", "Expired"],
];
const INACTIVE = [
  ["", "Any activity"],
  ["30", "Inactive for 30 days"],
  ["60", "Inactive for 60 days"],
  ["90", "Inactive for 90 days"],
];

export function filterBar(changed) {
  const query = {};
  const put = (name) => (value) => {
    query[name] = value || null;
    changed({ ...query });
  };
  const search = h("input", {
    type: "search",
    placeholder: "Search by name or e-mail",
    "aria-label": "Search users by name or e-mail",
    on: { input: unhurried((event) => put("search")(event.target.value.trim())) },
  });
  const filter = (label, options, take) => select(options, "", take, { "aria-label": label });
  const types = [["", "All seat types"], ...assignable().map(({ name }) => [name, seatTitle(name)])];
  const since = (days) => put("inactive_since")(days && daysFromNow(-Number(days)));
  const filters = [
    filter("Seat type", types, put("seat_type")),
    filter("Holding", HOLDING, put("holding")),
    filter("Status", STATUS, put("status")),
    filter("Invitation", INVITATION, put("invitation")),
    filter("Activity", INACTIVE, since),
  ];
  const bar = h("div", { class: "filters", role: "search" }, search, filters);
  bar.clear = () => {
    for (const control of [search, ...filters]) control.value = "";
    for (const name of Object.keys(query)) delete query[name];
    changed({});
    search.focus();
  };
  return bar;
}
