// The cards above the table: how many seats of a type there are, and what is to leave.

import * as api from "../api.js";
import { button, fill, h, keyed, svg } from "../parts/dom.js";
import { badge, empty } from "../parts/screen.js";
import { assignable, productTitle, seatTitle, seatType, store, subscriptionOf, why } from "../store.js";
import { count, day, listed, number } from "../words.js";
import { addSeats, cancelOf, removeSeats } from "./quantity_dialogs.js";

export function cards(region) {
  const open = store.pools.filter(({ status }) => status === "open");
  if (!open.length) {
    fill(
      region,
      empty(
        "No seats are bought yet",
        "Seats come with a subscription. Once there is one, a card for each seat type stands here.",
      ),
    );
    return;
  }
  const shown = open.map((pool) => ({
    pool,
    subscription: subscriptionOf(pool),
    reason: why("modify_billing"),
  }));
  keyed(region, shown, ({ pool }) => pool.id, card);
}

function card({ pool, subscription, reason }) {
  const title = seatTitle(pool.seat_type);
  return h(
    "article",
    { class: "card", "aria-label": `${title} seats` },
    h("header", {}, h("h2", {}, title), state(pool, subscription)),
    h(
      "p",
      { class: "figure" },
      h("strong", {}, number(pool.assigned)),
      h("span", {}, ` of ${number(pool.purchased)} assigned`),
    ),
    meter(pool),
    h("dl", { class: "numbers" }, numbersOf(pool)),
    h("footer", {}, buttons(pool, subscription, reason)),
  );
}

function state(pool, subscription) {
  if (subscription?.suspended_at) return badge("Suspended", "bad");
  if (subscription?.status === "cancelling") return badge("Ending", "warning");
  return pool.unassigned === 0 ? badge("All assigned", "warning") : null;
}

// How full the pool is; what is to leave is hatched at its end.
function meter({ purchased, assigned, scheduled_removal: leaving }) {
  const share = (value) => `${purchased ? (100 * value) / purchased : 0}%`;
  return svg(
    "svg",
    { class: "meter", "aria-hidden": "true", width: "100%", height: 8 },
    svg("rect", { class: "bed", width: "100%", height: 8, rx: 4 }),
    svg("rect", { class: "held", width: share(assigned), height: 8, rx: 4 }),
    leaving > 0 &&
      svg("rect", {
        class: "leaving",
        x: share(purchased - leaving),
        width: share(leaving),
        height: 8,
        rx: 4,
      }),
  );
}

function numbersOf(pool) {
  const row = (name, value, kind) => h("div", { class: kind }, h("dt", {}, name), h("dd", {}, value));
  return [
    row("Unassigned", number(pool.unassigned)),
    row("Scheduled to leave", number(pool.scheduled_removal), pool.scheduled_removal ? "warning" : null),
    row("Renews", `${day(pool.renews_at)}, with ${number(pool.quantity_at_renewal)}`),
  ];
}

function buttons(pool, subscription, reason) {
  const title = seatTitle(pool.seat_type);
  const spare = pool.unassigned - pool.scheduled_removal;
  const suspended = subscription?.suspended_at
    ? `the ${productTitle(subscription.product)} subscription is suspended`
    : null;
  const none = spare > 0 ? null : "no seat is unassigned that is not to leave already";
  return [
    button("Add seats", () => addSeats(pool.seat_type), {
      why: reason ?? suspended,
      "aria-label": `Add ${title} seats`,
      "data-focus": `add-${pool.id}`,
    }),
    button("Remove unassigned", () => removeSeats(pool.seat_type), {
      kind: "quiet",
      why: reason ?? none,
      "aria-label": `Remove unassigned ${title} seats`,
      "data-focus": `remove-${pool.id}`,
    }),
  ];
}

export function removalBanners(region) {
  keyed(
    region,
    store.removals,
    ({ id }) => id,
    (removal) =>
      h(
        "div",
        {
          class: "banner",
          role: "group",
          "aria-label": `Pending removal of ${seatTitle(removal.seat_type)} seats`,
        },
        h(
          "p",
          {},
          h(
            "strong",
            {},
            `${count(removal.quantity, `${seatTitle(removal.seat_type)} seat`)} will leave on ${day(removal.effective_at)}.`,
          ),
          shrunk(removal),
        ),
        button("Cancel removal", () => cancelOf(removal), {
          kind: "small",
          "data-focus": `cancel-${removal.id}`,
        }),
      ),
  );
}

function shrunk({ requested_quantity: asked, quantity }) {
  return asked > quantity ? ` ${number(asked)} were to leave; the others are needed or were kept.` : "";
}

// Types that cost nothing have no card; how many hold them is said in a line.
export async function freeTypes(region) {
  const free = assignable().filter(({ paid }) => !paid);
  try {
    const totals = await Promise.all(
      free.map(({ name }) => api.seatTable({ seat_type: name, limit: 1, include_total: true })),
    );
    const said = free.map(({ name }, n) => `${number(totals[n].total)} ${seatTitle(name)}`);
    fill(region, said.length ? `Free of charge: ${listed(said)}.` : "");
    region.title = free.map(({ name }) => `${seatTitle(name)}: ${seatType(name).description}`).join("\n");
  } catch (problem) {
    if (!problem.passing) throw problem;
  }
}
