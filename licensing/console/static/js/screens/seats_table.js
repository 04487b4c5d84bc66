// The table of users and their seats: searched, filtered, sorted, paged, and selected from.

import * as api from "../api.js";
import { save } from "../parts/csv.js";
import { button, fill, h, keyed } from "../parts/dom.js";
import { empty, into } from "../parts/screen.js";
import { notice } from "../parts/notices.js";
import { store, why } from "../store.js";
import { number } from "../words.js";
import { filterBar } from "./seat_filters.js";
import { row } from "./seat_row.js";
import { selectionBar } from "./selection.js";

const PAGE = 50;
const COLUMNS = [
  ["name", "User"],
  [null, "Seats"],
  [null, "Standing"],
  ["last_active_at", "Last active"],
];

export function seatsTable() {
  const state = { query: {}, sort: "name", cursors: [null], page: null, selected: new Map(), waiting: null };
  const body = h("tbody", {});
  const all = h("input", {
    type: "checkbox",
    "aria-label": "Select all users on this page",
    on: { change: selectPage },
  });
  const heads = COLUMNS.map(([sort, title]) => head(sort, title));
  const table = h(
    "table",
    { class: "rows" },
    h("caption", { class: "unseen" }, "Users and their seats"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { class: "check" }, all),
        heads,
        h("th", {}, h("span", { class: "unseen" }, "What can be done")),
      ),
    ),
    body,
  );
  const region = h("div", { class: "table-region" });
  const pager = h("nav", { class: "pager", "aria-label": "Pages" });
  const selection = h("div", { class: "selection", role: "region", "aria-label": "Selection" });
  const bar = filterBar(filtered);
  const top = h(
    "div",
    { class: "section" },
    h("h2", {}, "Users"),
    button("Export CSV", exportAll, { kind: "quiet" }),
  );
  const element = h("section", { class: "users", "aria-label": "Users" }, top, bar, selection, region, pager);

  function head(sort, title) {
    if (!sort) return h("th", { scope: "col" }, title);
    const sign = h("span", { "aria-hidden": "true", class: "sign" });
    const cell = h(
      "th",
      { scope: "col" },
      h("button", { type: "button", class: "sort", on: { click: () => sortBy(sort) } }, title, sign),
    );
    cell.said = () => {
      const up = state.sort === sort;
      const down = state.sort === `-${sort}`;
      cell.setAttribute("aria-sort", up ? "ascending" : down ? "descending" : "none");
      sign.textContent = up ? " ↑" : down ? " ↓" : "";
    };
    cell.said();
    return cell;
  }

  function sortBy(column) {
    state.sort = state.sort === column ? `-${column}` : column;
    heads.forEach((cell) => cell.said?.());
    state.cursors = [null];
    load();
  }

  function filtered(query) {
    state.query = query;
    state.cursors = [null];
    load();
  }

  const asked = () => ({ ...state.query, sort: state.sort });

  function load() {
    state.waiting?.abort();
    state.waiting = new AbortController();
    const query = { ...asked(), limit: PAGE, cursor: state.cursors.at(-1), include_total: true };
    return into(region, () => api.seatTable(query, state.waiting.signal), shown);
  }

  function shown(page) {
    state.page = page;
    for (const user of page.items)
      if (state.selected.has(user.user_id)) state.selected.set(user.user_id, user);
    if (page.items.length) {
      keyed(
        body,
        page.items.map((user) => ({ user, reason: why("manage_users") })),
        ({ user }) => user.user_id,
        ({ user }) => row(user, select),
      );
      fill(region, table);
    } else {
      fill(region, nobody());
    }
    showSelection();
    fill(pager, pages(page));
  }

  function nobody() {
    const narrowed = Object.values(state.query).some(Boolean);
    return narrowed
      ? empty(
          "Nobody matches",
          "No user of the account fits this search and these filters.",
          button("Clear filters", () => bar.clear()),
        )
      : empty(
          "No users yet",
          "Invite users from your product, or import them from a CSV file.",
          h("a", { href: "#/import", class: "button" }, "Import users"),
        );
  }

  function pages({ items, total, next_cursor: next }) {
    const before = (state.cursors.length - 1) * PAGE;
    const turn = (change) => () => {
      change();
      load();
    };
    const first = items.length ? before + 1 : 0;
    return [
      h("span", { role: "status" }, `${number(first)}–${number(before + items.length)} of ${number(total)}`),
      button(
        "Previous",
        turn(() => state.cursors.pop()),
        { kind: "small", why: before ? null : "this is the first page", "data-focus": "previous" },
      ),
      button(
        "Next",
        turn(() => state.cursors.push(next)),
        { kind: "small", why: next ? null : "this is the last page", "data-focus": "next" },
      ),
    ];
  }

  function select(user, whether) {
    if (whether) state.selected.set(user.user_id, user);
    else state.selected.delete(user.user_id);
    showSelection();
  }

  function selectPage() {
    for (const user of state.page.items) {
      if (all.checked) state.selected.set(user.user_id, user);
      else state.selected.delete(user.user_id);
    }
    showSelection();
  }

  function showSelection() {
    const users = state.page?.items ?? [];
    for (const line of body.children) {
      const chosen = state.selected.has(line.dataset.user);
      line.querySelector("input[type=checkbox]").checked = chosen;
      line.classList.toggle("chosen", chosen);
    }
    const chosen = users.filter(({ user_id: id }) => state.selected.has(id)).length;
    all.checked = chosen > 0 && chosen === users.length;
    all.indeterminate = chosen > 0 && chosen < users.length;
    selectionBar(selection, state.selected, () => {
      state.selected.clear();
      showSelection();
    });
  }

  async function exportAll() {
    try {
      save(`seats of ${store.account.name}.csv`, await api.seatTableCsv(asked()));
    } catch (problem) {
      notice(`The file could not be fetched: ${problem.message}`, { kind: "bad", stays: true });
    }
  }

  return { element, load, close: () => state.waiting?.abort() };
}
