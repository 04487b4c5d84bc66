// Changing, cancelling and resuming a subscription: each is foreseen with all that it does to pools
// and people.

import * as api from "../api.js";
import { h, newId } from "../parts/dom.js";
import { ask, facts } from "../parts/dialog.js";
import { featureTitle, productTitle, seatTitle, store, tierTitle } from "../store.js";
import { count, day, listed, money, number, words } from "../words.js";

const MOST_NAMED = 50;
const FATES = { closes: "ends", moves: "moves to another subscription", opens: "begins", stays: "stays" };

export function changeTier(subscription) {
  const product = store.catalogue.products.find(({ name }) => name === subscription.product);
  const choice = tierChoice(product.tiers, subscription);
  const name = productTitle(subscription.product);
  ask({
    title: `Change the tier of ${name}`,
    intro: "Moving up takes effect at once, moving down at the next renewal.",
    fields: [choice],
    label: "Change tier",
    wide: true,
    foresee: async () =>
      choice.value ? foreseen(await api.previewTier(subscription.id, choice.value)) : null,
    act: () => api.changeTier(`Change ${name} to ${tierTitle(choice.value)}`, subscription.id, choice.value),
    done: ({ tier, pending_tier: pending, renews_at: at }) =>
      pending
        ? `${name} moves to ${tierTitle(pending)} on ${day(at)}.`
        : `${name} is ${tierTitle(tier)} now.`,
  });
}

function tierChoice(tiers, { tier: present, pending_tier: pending }) {
  const name = newId("tier");
  const boxes = tiers.map((tier) => {
    const id = `${name}-${tier}`;
    const now =
      tier === present
        ? pending
          ? "now; choose it to stay"
          : "now"
        : tier === pending
          ? "from the next renewal"
          : "";
    const box = h("input", { type: "radio", name, id, value: tier, disabled: tier === (pending ?? present) });
    return h(
      "div",
      { class: "option" },
      box,
      h("label", { for: id }, h("strong", {}, tierTitle(tier)), h("span", {}, now)),
    );
  });
  const set = h("fieldset", { class: "options" }, h("legend", {}, "Tier"), boxes);
  Object.defineProperty(set, "value", { get: () => set.querySelector("input:checked")?.value ?? null });
  return set;
}

export function cancel(subscription) {
  const name = productTitle(subscription.product);
  ask({
    title: `Cancel ${name}`,
    intro: `It goes on until ${day(subscription.term.ends_at)} and can be resumed until then. After that:`,
    label: "Cancel subscription",
    leave: "Keep it",
    danger: true,
    wide: true,
    foresee: async () => foreseen(await api.previewCancellation(subscription.id)),
    act: () => api.cancelSubscription(`Cancel ${name}`, subscription.id),
    done: ({ term }) => `${name} ends on ${day(term.ends_at)}.`,
  });
}

export function resume(subscription) {
  const name = productTitle(subscription.product);
  ask({
    title: `Resume ${name}`,
    intro: "It goes on as before, and renews at the end of the term.",
    label: "Resume subscription",
    wide: true,
    foresee: async () => foreseen(await api.previewResumption(subscription.id)),
    act: () => api.resumeSubscription(`Resume ${name}`, subscription.id),
    done: () => `${name} goes on.`,
  });
}

function foreseen(preview) {
  return [
    facts(
      ["Takes effect", day(preview.effective_at)],
      ["Tier then", preview.status === "ended" ? "none" : tierTitle(preview.tier)],
    ),
    preview.pools.length > 0 && pools(preview.pools),
    people(preview.users),
  ];
}

function pools(all) {
  const columns = ["Seats", "What happens", "Now", "At the renewal", "To pay now", "At each renewal"];
  const row = (pool) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, seatTitle(pool.seat_type)),
      [
        FATES[pool.outcome] ?? words(pool.outcome),
        number(pool.quantity),
        number(pool.quantity_at_renewal),
        pool.amount_now ? money(pool.amount_now) : "–",
        pool.amount_at_renewal ? money(pool.amount_at_renewal) : "–",
      ].map((text) => h("td", {}, text)),
    );
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "What happens to the seats" },
    h(
      "table",
      { class: "plain" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map((title) => h("th", { scope: "col" }, title)),
        ),
      ),
      h("tbody", {}, all.map(row)),
    ),
  );
}

function people(users) {
  if (!users.length) return h("p", {}, "Nobody gains or loses anything.");
  const named = users
    .slice(0, MOST_NAMED)
    .map((user) => h("li", {}, h("strong", {}, user.name), `: ${difference(user)}`));
  const more = users.length - named.length;
  return h(
    "div",
    {},
    h("h3", {}, `What changes for ${count(users.length, "user")}`),
    h(
      "ul",
      { class: "long", tabindex: 0, "aria-label": "Users for whom something changes" },
      named,
      more > 0 && h("li", {}, `and ${count(more, "other")}`),
    ),
  );
}

function difference({ seat_types: before, seat_types_after: after, features }) {
  const titles = (names) => (names.length ? listed(names.map(seatTitle)) : "no seat");
  const seats = String(before) === String(after) ? [] : [`${titles(before)} → ${titles(after)}`];
  const lost = features
    .filter(({ level_after: level }) => level === "none")
    .map(({ feature }) => featureTitle(feature));
  const other = features
    .filter(({ level_after: level }) => level !== "none")
    .map(({ feature, level_after: level }) => `${featureTitle(feature)} (${level})`);
  return [...seats, lost.length && `loses ${listed(lost)}`, other.length && `gets ${listed(other)}`]
    .filter(Boolean)
    .join("; ");
}
