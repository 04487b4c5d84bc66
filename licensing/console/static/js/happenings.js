// What an event says, as a sentence.

import { nameOf, productTitle, seatTitle, store, tierTitle } from "./store.js";
import { count, day, number, words } from "./words.js";

const REASONS = {
  replaced: "it was replaced by another seat",
  fallback: "nobody is left without a seat",
  upgraded_from_free: "the first subscription began",
  eligibility_lost: "the user is not eligible any more",
  invitation_expired: "the invitation expired",
  invitation_revoked: "the invitation was revoked",
  user_deactivated: "the user was deactivated",
  user_deleted: "the user was deleted",
  assigned: "a seat was assigned",
  renewed: "the term was renewed",
  tier_changed: "the tier changed",
  subscription_ended: "the subscription ended",
  pool_moved: "the seats moved to another subscription",
  migrated: "the account moved to seat-based pricing",
  account_closed: "the account was closed",
};

const seats = (quantity, type) => count(quantity, `${seatTitle(type)} seat`);
const subscription = ({ product, tier }) => `${productTitle(product)} ${tierTitle(tier)}`;
const user = (it) => it.name ?? nameOf(it.id);

const SAID = {
  "account.created": () => "The account was created",
  "account.updated": () => "The account was changed",
  "account.migrated": () => "The account moved to seat-based pricing",
  "account.closed": () => "The account was closed",
  "user.created": (it) => `${user(it)} was ${it.status === "invited" ? "invited" : "added"}`,
  "user.updated": (it, was) => `${user(it)} was changed${changes(was)}`,
  "user.deactivated": (it) => `${user(it)} was deactivated`,
  "user.reactivated": (it) => `${user(it)} was reactivated`,
  "user.deleted": (it) => `${user(it)} was deleted`,
  "user.invitation_accepted": (it) => `${user(it)} accepted the invitation`,
  "user.invitation_expired": (it) => `The invitation of ${user(it)} expired`,
  "user.entitlements_changed": (it) => `What ${nameOf(it.user_id)} may use changed`,
  "subscription.started": (it) => `The subscription to ${subscription(it)} began`,
  "subscription.updated": (it) => `The subscription to ${subscription(it)} was changed`,
  "subscription.tier_changed": (it, was) =>
    `${productTitle(it.product)} moved ${was.tier ? `from ${tierTitle(was.tier)} ` : ""}to ${tierTitle(it.tier)}`,
  "subscription.tier_change_scheduled": (it) =>
    it.pending_tier
      ? `${productTitle(it.product)} will move to ${tierTitle(it.pending_tier)} on ${day(it.renews_at)}`
      : `${productTitle(it.product)} stays ${tierTitle(it.tier)} after all`,
  "subscription.cancellation_scheduled": (it) =>
    `The subscription to ${subscription(it)} was cancelled; it ends on ${day(it.term.ends_at)}`,
  "subscription.resumed": (it) => `The subscription to ${subscription(it)} was resumed`,
  "subscription.renewal_upcoming": (it) =>
    `The subscription to ${subscription(it)} renews on ${day(it.renews_at)}`,
  "subscription.renewed": (it) =>
    `The subscription to ${subscription(it)} was renewed until ${day(it.term.ends_at)}`,
  "subscription.suspended": (it) => `The subscription to ${subscription(it)} was suspended`,
  "subscription.reactivated": (it) => `The subscription to ${subscription(it)} was reactivated`,
  "subscription.ended": (it) => `The subscription to ${subscription(it)} ended`,
  "seats.purchased": (it) =>
    `${seats(it.quantity, it.seat_type)} added: ${number(it.purchased_before)} → ${number(it.purchased_after)}`,
  "seat.assigned": (it) => `${seatTitle(it.seat_type)} assigned to ${nameOf(it.user_id)}`,
  "seat.unassigned": (it) => `${seatTitle(it.seat_type)} taken back from ${nameOf(it.user_id)}`,
  "seat.changed": (it, was) =>
    `${seatTitle(was.seat_type ?? it.seat_type)} of ${nameOf(it.user_id)} became ${seatTitle(it.seat_type)}`,
  "seat.transferred": (it, was) =>
    `${seatTitle(it.seat_type)} went from ${nameOf(it.from_user_id ?? was.user_id)} to ${nameOf(it.to_user_id ?? it.user_id)}`,
  "seat_removal.scheduled": (it) =>
    `${seats(it.quantity, it.seat_type)} will leave on ${day(it.effective_at)}`,
  "seat_removal.reduced": (it, was) =>
    `The removal of ${seatTitle(it.seat_type)} seats shrank${was.quantity ? ` from ${number(was.quantity)}` : ""} to ${number(it.quantity)}`,
  "seat_removal.cancelled": (it) => `The removal of ${seatTitle(it.seat_type)} seats was cancelled`,
  "seat_removal.applied": (it) => `${seats(it.quantity, it.seat_type)} left the account`,
  "pool.low": (it) => `Only ${seats(it.unassigned, it.seat_type)} left unassigned`,
  "pool.exhausted": (it) => `All ${seatTitle(it.seat_type)} seats are assigned`,
  "pool.replenished": (it) => `${seatTitle(it.seat_type)} seats are available again`,
  "pool.moved": (it) => `The ${seatTitle(it.seat_type)} seats moved to another subscription`,
  "pool.closed": (it) => `The ${seatTitle(it.seat_type)} seats ended`,
  "pool.minimum_changed": (it) =>
    `The contract’s minimum of ${seatTitle(it.seat_type)} seats is ${number(it.minimum)} now`,
  "pool.updated": (it) => `The ${seatTitle(it.seat_type)} pool was changed`,
  "seat_request.created": (it) => `${nameOf(it.user_id)} asks for a ${seatTitle(it.seat_type)} seat`,
  "seat_request.approved": (it) =>
    `The request of ${nameOf(it.user_id)} for a ${seatTitle(it.seat_type)} seat was approved`,
  "seat_request.declined": (it) =>
    `The request of ${nameOf(it.user_id)} for a ${seatTitle(it.seat_type)} seat was declined`,
  "seat_request.withdrawn": (it) =>
    `The request of ${nameOf(it.user_id)} for a ${seatTitle(it.seat_type)} seat was withdrawn`,
};

export const KINDS = [
  ["", "Everything"],
  ["seat.*", "Seats given and taken"],
  ["seats.purchased,seat_removal.*", "Bought and removed"],
  ["seat_request.*", "Requests"],
  ["user.*", "Users"],
  ["subscription.*", "Subscriptions"],
  ["pool.*", "Pools"],
  ["account.*", "Account"],
];

function changes(was) {
  const names = Object.keys(was ?? {}).filter((name) => name !== "version");
  return names.length ? ` (${names.map((name) => words(name).toLowerCase()).join(", ")})` : "";
}

export function sentence({ type, data }) {
  return SAID[type]?.(data.object, data.previous ?? {}) ?? words(type.replace(".", " "));
}

// Who did it and why, as the second line.
export function circumstances({ data: { actor, reason } }) {
  const who = { user: () => nameOf(actor.id), api_key: () => "a service", system: () => "Seatkeeper" }[
    actor.type
  ]();
  const by = actor.id === store.me.id ? "you" : who;
  return REASONS[reason] ? `by ${by}, because ${REASONS[reason]}` : `by ${by}`;
}

// Everybody whose name the sentences need.
export function involved(events) {
  return events
    .flatMap(({ data: { object, previous, actor } }) => [
      object.user_id,
      object.from_user_id,
      object.to_user_id,
      previous?.user_id,
      actor.type === "user" ? actor.id : null,
    ])
    .filter(Boolean);
}
