// What all screens know of the account: who asks, what is sold, the pools, what is to leave them.

import * as api from "./api.js";
import { session } from "./session.js";
import { useZone } from "./words.js";

const NEEDED = {
  manage_users: "changing seats needs the permission to manage users",
  modify_billing: "this needs the permission to modify billing",
  super_admin: "only a super admin can see this",
};

export const store = { account: null, me: null, catalogue: null, pools: [], removals: [], subscriptions: [] };
const names = new Map(); // user id → name, or a promise of it
const removalWatchers = new Set();

export async function load() {
  const [account, me, catalogue] = await Promise.all([
    api.getAccount(),
    api.getUser(session.userId),
    api.getCatalogue(),
  ]);
  useZone(account.time_zone);
  Object.assign(store, { account, me, catalogue });
  learn(me);
  await refresh();
}

// Read again what changes. What of a removal was taken by assignments is told to those who asked.
export async function refresh() {
  store.me = await api.getUser(session.userId);
  const [account, pools, removals, subscriptions] = await Promise.all([
    api.getAccount(),
    api.listPools(),
    can("modify_billing") ? api.listRemovals() : [],
    api.listSubscriptions(),
  ]);
  const before = store.removals;
  Object.assign(store, { account, pools, removals, subscriptions });
  for (const removal of before)
    tellShrunk(
      removal,
      removals.find(({ id }) => id === removal.id),
    );
}

export function onShrunk(watcher) {
  removalWatchers.add(watcher);
}

// One's own cancellation is no news.
const ownCancellations = new Set();

export function cancelledHere(removalId) {
  ownCancellations.add(removalId);
}

function tellShrunk(before, after) {
  const left = after?.quantity ?? 0;
  if (left >= before.quantity || ownCancellations.delete(before.id)) return;
  const pool = poolOf(before.seat_type);
  // Where it is gone because it was applied, the pool has become smaller too.
  if (!after && pool && Date.parse(pool.renews_at) > Date.parse(before.effective_at)) return;
  for (const watcher of removalWatchers) watcher(before, left);
}

export function can(permission) {
  const held = store.me?.permissions ?? [];
  return held.includes("super_admin") || held.includes(permission);
}

// Why something may not be done, or null where it may.
export function why(...permissions) {
  const missing = permissions.find((permission) => !can(permission));
  if (missing) return NEEDED[missing];
  return store.account?.status === "closed" ? "this account is closed" : null;
}

export function poolOf(seatType) {
  return store.pools.find((pool) => pool.seat_type === seatType && pool.status === "open");
}

export function subscriptionOf(pool) {
  return store.subscriptions.find(({ id }) => id === pool.subscription_id);
}

export function seatType(name) {
  return store.catalogue.seat_types.find((type) => type.name === name);
}

const titled = (list, name) => list.find((item) => item.name === name)?.title ?? name;
export const seatTitle = (name) => titled(store.catalogue.seat_types, name);
export const productTitle = (name) => titled(store.catalogue.products, name);
export const tierTitle = (name) => titled(store.catalogue.tiers, name);
export const featureTitle = (name) => titled(store.catalogue.features, name);

// The types that can be given to somebody in this account.
export function assignable() {
  const legacy = store.account.pricing_model === "legacy";
  return store.catalogue.seat_types.filter((type) =>
    type.paid ? poolOf(type.name) : !legacy && type.available_to.includes(model()),
  );
}

function model() {
  return store.subscriptions.some(({ status }) => status !== "ended") ? "subscribed" : "free_tools";
}

export function learn(user) {
  names.set(user.user_id ?? user.id, user.name);
}

// The names of users, as far as they can be found; those who are gone are "a former user".
export async function namesOf(ids) {
  const missing = [...new Set(ids)].filter((id) => id?.startsWith("usr_") && !names.has(id));
  for (let n = 0; n < missing.length; n += 6) {
    await Promise.all(missing.slice(n, n + 6).map(find));
  }
  return names;
}

async function find(id) {
  try {
    learn(await api.getUser(id));
  } catch (problem) {
    if (problem.status === 404) names.set(id, "a former user");
  }
}

export function nameOf(id) {
  return names.get(id) ?? "a user";
}
