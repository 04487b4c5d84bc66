// What can be done with many users at once: one batch, tried before it is applied.

import * as api from "../api.js";
import { button, field, fill, h, newId, select } from "../parts/dom.js";
import { ask } from "../parts/dialog.js";
import { named } from "../parts/refusal.js";
import { assignable, why } from "../store.js";
import { count, number } from "../words.js";

const MOST = 500;

export function selectionBar(region, selected, clear) {
  if (!selected.size) return fill(region);
  const many = selected.size > MOST ? `at most ${number(MOST)} users can be changed at once` : null;
  const reason = why("manage_users") ?? many;
  const users = [...selected.values()];
  const act = (label, make, name) =>
    button(label, () => make(users, clear), { why: reason, kind: "small", "data-focus": name });
  return fill(
    region,
    h("strong", { role: "status" }, `${count(users.length, "user")} selected`),
    act("Assign seats…", assignMany, "assign-many"),
    act("Change seats…", changeMany, "change-many"),
    act("Take back seats…", takeBackMany, "take-back-many"),
    button("Clear selection", clear, { kind: "bare" }),
  );
}

const paid = () => assignable().filter((type) => type.paid);
const options = (types) => types.map(({ name, title }) => [name, title]);

function assignMany(users, clear) {
  const type = select(options(assignable()), null, null);
  batch(users, clear, {
    verb: "Assign seats",
    fields: [field("Seat type", type)],
    lines: () => users.map(({ user_id: id }) => ({ action: "assign", user_id: id, seat_type: type.value })),
  });
}

function takeBackMany(users, clear) {
  const held = paid().filter(({ name }) =>
    users.some(({ seats }) => seats.some((seat) => seat.seat_type === name)),
  );
  const type = select(options(held), null, null);
  batch(users, clear, {
    verb: "Take back seats",
    danger: true,
    fields: [
      held.length
        ? field("Seat type", type, "Users who do not hold it are left out.")
        : h("p", { class: "message" }, "None of them holds a paid seat."),
    ],
    lines: () =>
      holders(users, type.value).map(({ user_id: id }) => ({
        action: "unassign",
        user_id: id,
        seat_type: type.value,
      })),
  });
}

function changeMany(users, clear) {
  const from = select(options(paid()), null, null);
  const to = select(options(paid()), paid().at(-1)?.name, null);
  batch(users, clear, {
    verb: "Change seats",
    fields: [field("From", from, "Users who do not hold it are left out."), field("To", to)],
    lines: () =>
      holders(users, from.value).map(({ user_id: id }) => ({
        action: "change",
        user_id: id,
        seat_type: from.value,
        to_seat_type: to.value,
      })),
  });
}

function holders(users, name) {
  return users.filter(({ seats }) => seats.some(({ seat_type: held }) => held === name));
}

function batch(users, clear, { verb, fields, lines, danger = false }) {
  const skip = h("input", { type: "checkbox", id: newId("skip") });
  const leaveOut = h(
    "div",
    { class: "tick" },
    skip,
    h("label", { for: skip.id }, "Leave out those who are refused"),
  );
  ask({
    title: `${verb}: ${count(users.length, "user")}`,
    fields: [fields, leaveOut],
    label: verb,
    danger,
    wide: true,
    foresee: async () => {
      const wanted = lines();
      return wanted.length ? foreseen(users, wanted, await api.previewSeats(wanted), skip.checked) : null;
    },
    act: () => api.changeSeats(`${verb} (${users.length})`, lines(), skip.checked ? "continue" : "abort"),
    done: ({ changed, refused }) => {
      clear();
      return refused
        ? `${count(changed, "seat")} changed, ${number(refused)} refused.`
        : `${count(changed, "seat")} changed.`;
    },
  });
}

function foreseen(users, wanted, { lines }, skip) {
  const names = new Map(users.map(({ user_id: id, name }) => [id, name]));
  const refused = lines.filter(({ outcome }) => outcome === "refused");
  const same = lines.filter(({ outcome }) => outcome === "unchanged").length;
  const good = lines.length - refused.length - same;
  const item = ({ line, problem }) =>
    h("li", {}, h("strong", {}, names.get(wanted[line - 1].user_id)), `: ${named(problem.detail)}`);
  return {
    allowed: good > 0 && (skip || !refused.length),
    show: [
      h(
        "p",
        { class: "tally" },
        `${number(good)} will change, ${number(same)} stay as they are, ${number(refused.length)} are refused.`,
      ),
      refused.length > 0 &&
        h(
          "div",
          { class: "message bad" },
          h("p", {}, skip ? "These are left out:" : "Nothing is done as long as one is refused:"),
          h("ul", { class: "long" }, refused.map(item)),
        ),
    ],
  };
}
