// Asking for a seat, and answering those who ask.

import * as api from "../api.js";
import { field, h, newId, select } from "../parts/dom.js";
import { ask, facts } from "../parts/dialog.js";
import { picker } from "../parts/picker.js";
import { assignable, can, nameOf, poolOf, seatTitle, store, why } from "../store.js";
import { day, money, number } from "../words.js";

const LONGEST_NOTE = 500;
const note = () => h("textarea", { rows: 3, maxlength: LONGEST_NOTE });

export function newRequest() {
  const types = assignable().filter(({ paid }) => paid);
  const type = select(
    types.map(({ name, title }) => [name, title]),
    null,
    null,
  );
  const text = note();
  const forWhom = can("manage_users")
    ? picker("For whom (leave empty for yourself)", ({ status }) =>
        status === "deactivated" ? "deactivated" : null,
      )
    : null;
  ask({
    title: "Ask for a seat",
    intro: "Those who manage users in your company see the request and answer it.",
    fields: [field("Seat type", type), forWhom, field("Why it is needed (optional)", text)],
    label: "Send request",
    act: () =>
      api.requestSeat(`Ask for a ${seatTitle(type.value)} seat`, {
        seat_type: type.value,
        ...(forWhom?.user && { user_id: forWhom.user.user_id }),
        ...(text.value.trim() && { note: text.value.trim() }),
      }),
    done: ({ status }) => (status === "approved" ? "The seat was assigned at once." : "The request is sent."),
  });
}

export function approve(request) {
  const { user_id: user, seat_type: name } = request;
  const title = seatTitle(name);
  const full = () => poolOf(name)?.unassigned === 0;
  const reason = why("modify_billing");
  const buy = h("input", { type: "checkbox", id: newId("buy"), disabled: reason !== null });
  const offer = h(
    "div",
    { class: "tick" },
    buy,
    h("label", { for: buy.id }, "Buy the seat, because none is free"),
    reason && h("small", { class: "hint" }, `Not possible: ${reason}.`),
  );
  ask({
    title: `Give ${nameOf(user)} a ${title} seat`,
    intro: request.note ? `“${request.note}”` : null,
    fields: [full() ? offer : null],
    label: "Approve",
    foresee: async () => (full() ? bought(name, buy.checked) : free(name)),
    act: () => api.approveRequest(`Give ${nameOf(user)} a ${title} seat`, request.id, buy.checked),
    done: () => `${nameOf(user)} holds a ${title} seat now.`,
  });
}

function free(name) {
  const { assigned, purchased } = poolOf(name) ?? {};
  return purchased === undefined
    ? facts(["Seat", "free of charge"])
    : facts(["Assigned", `${number(assigned)} → ${number(assigned + 1)} of ${number(purchased)}`]);
}

async function bought(name, buying) {
  if (!buying) {
    const { purchased } = poolOf(name);
    return {
      allowed: false,
      show: h(
        "p",
        { class: "message" },
        `All ${number(purchased)} ${seatTitle(name)} seats are assigned. Take one back first, or buy one.`,
      ),
    };
  }
  const preview = await api.previewPurchase({ seat_type: name, quantity: 1 });
  return facts(
    ["Seats", `${number(preview.purchased_before)} → ${number(preview.purchased_after)}`],
    ["To pay now", h("strong", {}, money(preview.amount_now))],
    [`More at each renewal from ${day(poolOf(name).renews_at)}`, money(preview.amount_at_renewal)],
  );
}

export function decline(request) {
  const text = note();
  ask({
    title: `Decline the request of ${nameOf(request.user_id)}`,
    fields: [field("Say why (optional)", text, "Who asked can read it.")],
    label: "Decline",
    danger: true,
    act: () =>
      api.declineRequest(`Decline the request of ${nameOf(request.user_id)}`, request.id, text.value.trim()),
    done: () => "The request is declined.",
  });
}

export function withdraw(request) {
  ask({
    title: "Withdraw your request",
    intro: `You asked for a ${seatTitle(request.seat_type)} seat in ${store.account.name}.`,
    label: "Withdraw",
    act: () => api.withdrawRequest("Withdraw your request", request.id),
    done: () => "The request is withdrawn.",
  });
}
