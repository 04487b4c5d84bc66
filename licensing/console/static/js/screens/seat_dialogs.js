// Giving, changing, moving and taking back one seat. Each is tried as a dry run first, so the dialog
// says what will happen, or why it cannot.

import * as api from "../api.js";
import { button, h, newId } from "../parts/dom.js";
import { ask } from "../parts/dialog.js";
import { picker } from "../parts/picker.js";
import { refusalOfLine } from "../parts/refusal.js";
import { assignable, poolOf, seatTitle, seatType, store, why } from "../store.js";
import { count, day, number } from "../words.js";
import { addSeats } from "./quantity_dialogs.js";

export function assign(user) {
  const choice = typeChoice(
    "Which seat",
    assignable().filter(({ name }) => !holds(user, name)),
  );
  const line = () => ({ action: "assign", user_id: user.user_id, seat_type: choice.value });
  const dialog = ask({
    title: `Assign a seat to ${user.name}`,
    fields: [choice],
    label: "Assign seat",
    foresee: () =>
      choice.value &&
      tried(
        line(),
        () => [...given(choice.value), ...replaced(user, choice.value)],
        () => dialog.close(),
      ),
    act: () => api.changeSeats(`Assign ${seatTitle(choice.value)} to ${user.name}`, [line()]),
    done: () => `${user.name} holds a ${seatTitle(choice.value)} seat now.`,
  });
}

export function change(user, seat) {
  const choice = typeChoice(
    "What it becomes",
    assignable().filter(({ name, paid }) => paid && !holds(user, name)),
  );
  const line = () => ({
    action: "change",
    user_id: user.user_id,
    seat_type: seat.seat_type,
    to_seat_type: choice.value,
  });
  const dialog = ask({
    title: `Change the ${seatTitle(seat.seat_type)} seat of ${user.name}`,
    fields: [choice],
    label: "Change seat",
    foresee: () =>
      choice.value &&
      tried(
        line(),
        () => [...returned(seat), ...given(choice.value)],
        () => dialog.close(),
      ),
    act: () => api.changeSeats(`Change the seat of ${user.name}`, [line()]),
    done: () => `${user.name} holds a ${seatTitle(choice.value)} seat now.`,
  });
}

export function transfer(user, seat) {
  const title = seatTitle(seat.seat_type);
  const to = picker("Who gets it", (row) => {
    if (row.user_id === user.user_id) return "who holds it now";
    if (row.status === "deactivated") return "deactivated";
    return holds(row, seat.seat_type) ? `holds ${title} already` : null;
  });
  const line = () => ({
    action: "transfer",
    user_id: user.user_id,
    seat_type: seat.seat_type,
    to_user_id: to.user.user_id,
  });
  const dialog = ask({
    title: `Transfer the ${title} seat of ${user.name}`,
    intro: "It changes hands in one step; there is no moment at which nobody holds it.",
    fields: [to],
    label: "Transfer seat",
    foresee: async () =>
      to.user &&
      tried(
        line(),
        () => moved(user, seat, to.user),
        () => dialog.close(),
      ),
    act: () => api.changeSeats(`Transfer ${title} to ${to.user.name}`, [line()]),
    done: () => `${to.user.name} holds the ${title} seat now.`,
  });
}

export function takeBack(user, seat) {
  const title = seatTitle(seat.seat_type);
  const pool = poolOf(seat.seat_type);
  const reason = why("modify_billing");
  const give = h("input", { type: "checkbox", id: newId("give"), disabled: reason !== null });
  const offer =
    pool &&
    h(
      "div",
      { class: "tick" },
      give,
      h("label", { for: give.id }, `Also remove it at the renewal on ${day(pool.renews_at)}`),
      reason && h("small", { class: "hint" }, `Not possible: ${reason}.`),
    );
  const line = () => ({
    action: "unassign",
    user_id: user.user_id,
    seat_type: seat.seat_type,
    ...(give.checked && { give_back: true }),
  });
  const dialog = ask({
    title: `Take back the ${title} seat of ${user.name}`,
    fields: [offer],
    label: "Take back seat",
    danger: true,
    foresee: () =>
      tried(
        line(),
        () => [...(pool ? returned(seat, give.checked) : []), ...left(user, seat)],
        () => dialog.close(),
      ),
    act: () => api.changeSeats(`Take back ${title} from ${user.name}`, [line()]),
    done: () =>
      give.checked
        ? `The ${title} seat is taken back and will leave on ${day(pool.renews_at)}.`
        : `The ${title} seat of ${user.name} is taken back.`,
  });
}

function holds(user, name) {
  return user.seats.some(({ seat_type: held }) => held === name);
}

// A choice of seat types, as radio buttons that say how many are left.
function typeChoice(label, types) {
  const name = newId("type");
  const boxes = types.map((type, n) => {
    const id = `${name}-${n}`;
    const box = h("input", { type: "radio", name, id, value: type.name, checked: n === 0 });
    return h(
      "div",
      { class: "option" },
      box,
      h(
        "label",
        { for: id },
        h("strong", {}, type.title),
        h("span", {}, availability(type)),
        h("small", {}, type.description),
      ),
    );
  });
  const none = h("p", { class: "message" }, "There is no other type of seat to choose.");
  const set = h("fieldset", { class: "options" }, h("legend", {}, label), boxes.length ? boxes : none);
  Object.defineProperty(set, "value", { get: () => set.querySelector("input:checked")?.value ?? null });
  return set;
}

function availability({ name, paid, eligible_only: partners }) {
  if (!paid) return partners ? "Free, for eligible users" : "Free, unlimited";
  const pool = poolOf(name);
  return pool.unassigned ? `${number(pool.unassigned)} unassigned` : "None unassigned";
}

// Try a change: what will happen, or the refusal with a way on.
async function tried(line, consequences, close) {
  const {
    lines: [answer],
  } = await api.previewSeats([line]);
  if (answer.outcome === "refused")
    return { allowed: false, show: [refusalOfLine(answer), wayOn(answer.problem, close)] };
  if (answer.outcome === "unchanged")
    return {
      allowed: false,
      show: h("p", { class: "message" }, "That is so already; nothing would change."),
    };
  return h(
    "div",
    {},
    h("h3", {}, "What will happen"),
    h(
      "ul",
      { class: "consequences" },
      consequences()
        .filter(Boolean)
        .map((text) => h("li", {}, text)),
    ),
  );
}

function wayOn({ code, seat_type: name }, close) {
  if (code !== "no_seat_available" || why("modify_billing") || !poolOf(name)) return null;
  const buy = () => {
    close();
    addSeats(name);
  };
  return button(`Add ${seatTitle(name)} seats`, buy, { kind: "small" });
}

function given(name) {
  const pool = poolOf(name);
  if (!pool) return [];
  const { assigned, purchased, unassigned, scheduled_removal: leaving } = pool;
  const shrinks = leaving > 0 && unassigned <= leaving;
  return [
    `${seatTitle(name)}: ${number(assigned)} → ${number(assigned + 1)} of ${number(purchased)} assigned.`,
    shrinks &&
      `The removal scheduled for ${day(pool.renews_at)} gives way: ${count(leaving - 1, "seat")} instead of ${number(leaving)} will leave.`,
  ];
}

function returned(seat, leaves = false) {
  const pool = poolOf(seat.seat_type);
  const title = seatTitle(seat.seat_type);
  const until = day(pool.renews_at);
  const before = `${title}: ${number(pool.assigned)} → ${number(pool.assigned - 1)} of ${number(pool.purchased)} assigned.`;
  return [
    before,
    leaves
      ? `The seat leaves the account on ${until}; until then it is paid for and can be assigned.`
      : `The seat stays in the account, unassigned, and is paid for until ${until}.`,
  ];
}

// A paid seat takes the place of an exclusive one, an exclusive one that of all others.
function replaced(user, name) {
  const exclusive = seatType(name).exclusive;
  const gone = user.seats.filter(({ seat_type: held }) => exclusive || seatType(held)?.exclusive);
  return gone.map(({ seat_type: held }) => `It replaces the ${seatTitle(held)} seat.`);
}

function left(user, seat) {
  const others = user.seats.filter(({ id }) => id !== seat.id);
  if (others.length)
    return [`${user.name} keeps ${others.map(({ seat_type: held }) => seatTitle(held)).join(" and ")}.`];
  const fallback = store.catalogue.fallback;
  return [
    store.account.pricing_model === "seat_based"
      ? `${user.name} gets a ${seatTitle(fallback)} seat, which is free.`
      : `${user.name} holds no seat then.`,
  ];
}

function moved(from, seat, to) {
  return [
    `${to.name} gets the ${seatTitle(seat.seat_type)} seat at once.`,
    ...replaced(to, seat.seat_type),
    ...left(from, seat),
    "No other seat is needed, and nothing is paid.",
  ];
}
