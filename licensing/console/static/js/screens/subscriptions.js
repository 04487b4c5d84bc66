// Subscriptions: terms and tiers, and what changing, cancelling and resuming would do.

import { button, h, keyed, svg } from "../parts/dom.js";
import { facts } from "../parts/dialog.js";
import { badge, empty, heading } from "../parts/screen.js";
import { productTitle, seatTitle, store, tierTitle, why } from "../store.js";
import { count, day, every, listed } from "../words.js";
import { cancel, changeTier, resume } from "./subscription_dialogs.js";

export function subscriptions() {
  const list = h("div", { class: "subscriptions" });
  const past = h("div", {});

  function refresh() {
    const reason = why("modify_billing");
    const current = store.subscriptions.filter(({ status }) => status !== "ended");
    const shown = current.map((subscription) => ({ subscription, pools: poolsOf(subscription), reason }));
    keyed(
      list,
      shown.length ? shown : [null],
      (item) => item?.subscription.id ?? "none",
      (item) => (item ? card(item) : none()),
    );
    keyed(
      past,
      store.subscriptions.filter(({ status }) => status === "ended"),
      ({ id }) => id,
      ended,
    );
  }

  refresh();
  return {
    element: h(
      "div",
      {},
      heading("Subscriptions", "What your company subscribes to, and until when."),
      list,
      past,
    ),
    refresh,
  };
}

function none() {
  return empty(
    "No subscription yet",
    "Your company uses the free tools. A subscription is bought in your product; it then stands here with its terms.",
  );
}

function poolsOf({ id }) {
  return store.pools.filter((pool) => pool.subscription_id === id && pool.status === "open");
}

function ended(subscription) {
  return h(
    "p",
    { class: "muted" },
    `${productTitle(subscription.product)} ${tierTitle(subscription.tier)} ended on ${day(subscription.ended_at)}.`,
  );
}

function card({ subscription, pools, reason }) {
  const name = productTitle(subscription.product);
  const { term } = subscription;
  return h(
    "article",
    { class: "card subscription", "aria-label": `${name} subscription` },
    h("header", {}, h("h2", {}, `${name} ${tierTitle(subscription.tier)}`), standing(subscription)),
    message(subscription),
    passed(term),
    facts(
      ["Term", `${day(term.starts_at)} to ${day(term.ends_at)}`],
      [
        "Renews",
        subscription.renews_at
          ? `on ${day(subscription.renews_at)}, ${every(subscription.interval, subscription.interval_count)}`
          : "not any more",
      ],
      ["Billed", every(subscription.billing_interval, subscription.billing_interval_count)],
      [
        "Seats",
        pools.length
          ? listed(pools.map((pool) => `${count(pool.purchased, `${seatTitle(pool.seat_type)} seat`)}`))
          : "none of its own",
      ],
    ),
    h("footer", {}, buttons(subscription, name, reason)),
  );
}

function standing({ status, suspended_at: suspended }) {
  if (suspended) return badge("Suspended", "bad");
  return status === "cancelling" ? badge("Ends with the term", "warning") : badge("Active", "good");
}

function message({
  status,
  pending_tier: pending,
  renews_at: at,
  term,
  suspended_at: since,
  suspension_reason: cause,
}) {
  if (since)
    return h(
      "p",
      { class: "message bad" },
      `Suspended since ${day(since)}${cause ? `: ${cause}` : ""}. Nothing can be bought or assigned meanwhile.`,
    );
  if (status === "cancelling")
    return h(
      "p",
      { class: "message" },
      `Cancelled. It ends on ${day(term.ends_at)} and can be resumed until then.`,
    );
  return pending ? h("p", { class: "message" }, `Moves to ${tierTitle(pending)} on ${day(at)}.`) : null;
}

// How much of the term has passed.
function passed({ starts_at: from, ends_at: to }) {
  const share = (Date.now() - Date.parse(from)) / (Date.parse(to) - Date.parse(from));
  const width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  const days = Math.max(0, Math.ceil((Date.parse(to) - Date.now()) / 86_400_000));
  return h(
    "div",
    { class: "passed" },
    svg(
      "svg",
      { class: "meter", "aria-hidden": "true", width: "100%", height: 8 },
      svg("rect", { class: "bed", width: "100%", height: 8, rx: 4 }),
      svg("rect", { class: "held", width, height: 8, rx: 4 }),
    ),
    h("small", {}, `${count(days, "day")} of the term left`),
  );
}

function buttons(subscription, name, reason) {
  const { id, status, suspended_at: suspended } = subscription;
  const stopped = reason ?? (suspended ? "the subscription is suspended" : null);
  if (status === "cancelling") {
    return [
      button("Resume", () => resume(subscription), {
        why: reason,
        "aria-label": `Resume ${name}`,
        "data-focus": `resume-${id}`,
      }),
    ];
  }
  return [
    button("Change tier", () => changeTier(subscription), {
      why: stopped,
      "aria-label": `Change the tier of ${name}`,
      "data-focus": `tier-${id}`,
    }),
    button("Cancel subscription", () => cancel(subscription), {
      kind: "quiet",
      why: reason,
      "aria-label": `Cancel ${name}`,
      "data-focus": `cancel-${id}`,
    }),
  ];
}
