// A row of the table: a user, the seats held, and what can be done with them.

import { h } from "../parts/dom.js";
import { menu } from "../parts/menu.js";
import { badge } from "../parts/screen.js";
import { learn, seatTitle, seatType, why } from "../store.js";
import { ago, day, moment } from "../words.js";
import { assign, change, takeBack, transfer } from "./seat_dialogs.js";

export function row(user, select) {
  learn(user);
  const box = h("input", {
    type: "checkbox",
    "aria-label": `Select ${user.name}`,
    "data-focus": `select-${user.user_id}`,
    on: { change: () => select(user, box.checked) },
  });
  return h(
    "tr",
    { "data-user": user.user_id },
    h("td", { class: "check" }, box),
    h(
      "th",
      { scope: "row", class: "who" },
      h("span", { class: "name" }, user.name, administers(user)),
      h("span", { class: "email" }, user.email),
    ),
    h(
      "td",
      { class: "held", "data-label": "Seats" },
      user.seats.length ? user.seats.map(chip) : h("span", { class: "muted" }, "No seat"),
    ),
    h("td", { "data-label": "Standing" }, standing(user)),
    h("td", { "data-label": "Last active", class: "when" }, activity(user)),
    h(
      "td",
      { class: "act" },
      menu(`Change seats of ${user.name}`, () => entries(user), `menu-${user.user_id}`),
    ),
  );
}

function chip({ seat_type: name, assigned_at: since }) {
  const paid = seatType(name)?.paid;
  return h("span", { class: paid ? "chip paid" : "chip", title: `Since ${day(since)}` }, seatTitle(name));
}

function administers({ permissions }) {
  if (permissions.includes("super_admin")) return badge("Super admin");
  return permissions.length ? badge("Admin") : null;
}

function standing({ status, invitation, invitation_expires_at: until }) {
  if (status === "deactivated") return badge("Deactivated");
  if (invitation === "expired") return badge("Invitation expired", "bad");
  if (invitation === "revoked") return badge("Invitation revoked", "bad");
  if (status === "invited")
    return [badge("Invited", "warning"), until && h("small", {}, `until ${day(until)}`)];
  return badge("Active", "good");
}

function activity({ last_active_at: at }) {
  return at
    ? h("time", { datetime: at, title: moment(at) }, ago(at))
    : h("span", { class: "muted" }, "never");
}

function entries(user) {
  const reason = why("manage_users");
  const gone = user.status === "deactivated" ? "reactivate the user first" : null;
  const held = user.seats.map((seat) => ({
    ...seat,
    title: seatTitle(seat.seat_type),
    type: seatType(seat.seat_type),
  }));
  const paid = held.filter(({ type }) => type?.paid);
  const movable = held.filter(({ type }) => type?.transferable);
  const lasting = held.filter(({ type }) => type?.paid || type?.eligible_only);
  return [
    { label: "Assign a seat…", press: () => assign(user), why: reason ?? gone },
    ...paid.map((seat) => ({
      label: `Change ${seat.title}…`,
      press: () => change(user, seat),
      why: reason ?? gone,
    })),
    ...movable.map((seat) => ({
      label: `Transfer ${seat.title}…`,
      press: () => transfer(user, seat),
      why: reason ?? gone,
    })),
    ...lasting.map((seat) => ({
      label: `Take back ${seat.title}…`,
      press: () => takeBack(user, seat),
      why: reason ?? gone,
    })),
  ];
}
