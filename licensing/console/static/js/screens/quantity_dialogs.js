// Buying and giving back: how many, what it costs, what there will be after the renewal.

import * as api from "../api.js";
import { button, h } from "../parts/dom.js";
import { ask, facts } from "../parts/dialog.js";
import { stepper } from "../parts/stepper.js";
import { cancelledHere, poolOf, seatTitle, store, subscriptionOf } from "../store.js";
import { count, day, money, number } from "../words.js";

const MOST = 100_000;

export function addSeats(seatType, start = 1) {
  const title = seatTitle(seatType);
  const quantity = stepper("How many seats", { max: MOST, start });
  const order = () => ({ seat_type: seatType, quantity: quantity.quantity });
  const dialog = ask({
    title: `Add ${title} seats`,
    intro: "They can be assigned at once and are part of the subscription from now on.",
    fields: [quantity],
    label: "Add seats",
    foresee: async () =>
      quantity.quantity ? costs(await api.previewPurchase(order()), () => instead(dialog, seatType)) : null,
    act: () => api.purchaseSeats(`Add ${count(quantity.quantity, `${title} seat`)}`, order()),
    done: (bought) =>
      `${count(bought.quantity, `${title} seat`)} added. There are ${number(bought.purchased_after)} now.`,
  });
}

function costs(preview, cancelInstead) {
  const { term_share: share } = preview;
  const pool = poolOf(preview.seat_type);
  const free = preview.free_by_cancelling;
  return [
    facts(
      ["Seats", `${number(preview.purchased_before)} → `, h("strong", {}, number(preview.purchased_after))],
      [
        "To pay now",
        h("strong", {}, money(preview.amount_now)),
        h(
          "small",
          {},
          `${number(share.days_left)} of ${count(share.days_in_term, "day")} of the term are left`,
        ),
      ],
      differs(preview) && [
        `Each billing period${preview.billed_until ? ` from ${day(preview.billed_until)}` : ""}`,
        money(preview.amount_per_billing_period),
      ],
      [`More at each renewal${pool ? ` from ${day(pool.renews_at)}` : ""}`, money(preview.amount_at_renewal)],
    ),
    free > 0 &&
      h(
        "div",
        { class: "message" },
        h("p", {}, `Cancelling the pending removal keeps ${count(free, "seat")} that you pay for already.`),
        button("Cancel the removal instead", cancelInstead, { kind: "small" }),
      ),
  ];
}

// Whether less than a whole term is billed at a time.
function differs({ amount_per_billing_period: period, amount_at_renewal: renewal }) {
  return period !== null && period.amount !== renewal?.amount;
}

function instead(dialog, seatType) {
  dialog.close();
  const removal = store.removals.find((pending) => pending.seat_type === seatType);
  if (removal) cancelOf(removal);
}

export function removeSeats(seatType) {
  const title = seatTitle(seatType);
  const pool = poolOf(seatType);
  const spare = pool.unassigned - pool.scheduled_removal;
  const quantity = stepper("How many seats", {
    max: Math.max(1, Math.min(spare, pool.quantity_at_renewal - pool.minimum)),
  });
  ask({
    title: `Remove unassigned ${title} seats`,
    intro: `${count(spare, "seat is", "seats are")} unassigned and not yet to leave. What you remove stays until the renewal, and can be assigned until then.`,
    fields: [quantity],
    label: "Schedule removal",
    foresee: async () => (quantity.quantity ? sideBySide(poolOf(seatType), -quantity.quantity) : null),
    act: () =>
      api.scheduleRemoval(`Remove ${count(quantity.quantity, `${title} seat`)}`, {
        seat_type: seatType,
        quantity: quantity.quantity,
      }),
    done: (removal) =>
      `${count(removal.quantity, `${title} seat`)} will leave on ${day(removal.effective_at)}.`,
  });
}

// What is paid for now, and what renews by itself.
function sideBySide(pool, difference) {
  const after = pool.quantity_at_renewal + difference;
  const subscription = subscriptionOf(pool);
  const box = (name, quantity, when, kind) =>
    h(
      "div",
      { class: kind },
      h("h3", {}, name),
      h(
        "p",
        { class: "figure" },
        h("strong", {}, number(quantity)),
        h("span", {}, quantity === 1 ? " seat" : " seats"),
      ),
      h("p", {}, when),
    );
  const renewal =
    subscription?.status === "cancelling"
      ? `The subscription ends on ${day(pool.renews_at)}`
      : `From ${day(pool.renews_at)}`;
  return [
    h(
      "div",
      { class: "side-by-side" },
      box("Current subscription", pool.purchased, `Until ${day(pool.renews_at)}`, ""),
      box("Auto-renewal", after, renewal, "changed"),
    ),
    pool.minimum > 0 &&
      h("p", { class: "hint" }, `The contract asks for at least ${count(pool.minimum, "seat")}.`),
  ];
}

export function cancelOf(removal) {
  const title = seatTitle(removal.seat_type);
  const quantity = stepper("How many seats stay", { max: removal.quantity, start: removal.quantity });
  const chosen = () => quantity.quantity;
  ask({
    title: `Keep ${title} seats`,
    intro: `${count(removal.quantity, "seat was", "seats were")} to leave on ${day(removal.effective_at)}. Keep all of them, or some.`,
    fields: [quantity],
    label: "Keep seats",
    foresee: async () => (chosen() ? sideBySide(poolOf(removal.seat_type), chosen()) : null),
    act: () => {
      cancelledHere(removal.id);
      return api.cancelRemoval(
        `Keep ${count(chosen(), `${title} seat`)}`,
        removal.id,
        chosen() === removal.quantity ? null : chosen(),
      );
    },
    done: (answer) =>
      answer.status === "cancelled"
        ? "The removal is cancelled; nothing will leave."
        : `${count(answer.quantity, `${title} seat`)} will still leave on ${day(answer.effective_at)}.`,
  });
}
