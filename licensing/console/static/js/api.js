// The public API, as far as the console uses it: every path is written here and nowhere else.

import { confirmed } from "./actions.js";
import { read, send } from "./http.js";
import { session } from "./session.js";

const account = () => `/v1/accounts/${session.accountId}`;
const subscription = (id) => `${account()}/subscriptions/${id}`;
const endpoint = (id) => `/v1/webhook-endpoints/${id}`;
const withKey = () => ({ by: session.apiKey });
const foreseen = (path, body) => send("POST", path, { body });

// Reading
export const getAccount = () => read(account());
export const getUser = (id) => read(`${account()}/users/${id}`);
export const getCatalogue = () => read("/v1/catalogue");
export const listPools = () => all(`${account()}/pools`);
export const listRemovals = () => all(`${account()}/removals`, { status: "scheduled" });
export const listSubscriptions = () => all(`${account()}/subscriptions`);
export const seatTable = (query, signal) => read(`${account()}/seat-table`, query, { signal });
export const seatTableCsv = (query) => csv(`${account()}/seat-table`, query);
export const listEvents = (query, signal) => read(`${account()}/events`, query, { signal });
export const eventsCsv = (query) => csv(`${account()}/events`, query);
export const poolHistory = (id, query) => read(`${account()}/pools/${id}/history`, query);
export const listRequests = (query) => read(`${account()}/seat-requests`, query);

const csv = (path, query) => read(path, query, { accept: "text/csv", as: "text" });

async function all(path, query = {}, options = {}) {
  const items = [];
  let cursor = null;
  do {
    const page = await read(path, { ...query, limit: 200, cursor }, options);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

// What would happen
export const previewSeats = (changes) =>
  send("POST", `${account()}/seat-batches`, { query: { dry_run: true }, body: { changes } });
export const previewPurchase = (order) => foreseen(`${account()}/purchases/preview`, order);
export const previewTier = (id, tier) => foreseen(`${subscription(id)}/tier/preview`, { tier });
export const previewCancellation = (id) => foreseen(`${subscription(id)}/cancellation/preview`);
export const previewResumption = (id) => send("DELETE", `${subscription(id)}/cancellation/preview`);
export const previewLines = (kind, text) =>
  send("POST", `${account()}/${kind}`, { query: { dry_run: true }, body: text, type: "text/csv" });

// What was confirmed
export const changeSeats = (title, changes, onError = "abort") =>
  confirmed(title, "POST", `${account()}/seat-batches`, { query: { on_error: onError }, body: { changes } });
export const purchaseSeats = (title, order) =>
  confirmed(title, "POST", `${account()}/purchases`, { body: order });
export const scheduleRemoval = (title, order) =>
  confirmed(title, "POST", `${account()}/removals`, { body: order });
export const cancelRemoval = (title, id, quantity) =>
  confirmed(title, "POST", `${account()}/removals/${id}/cancellation`, {
    body: quantity ? { quantity } : {},
  });
export const changeTier = (title, id, tier) =>
  confirmed(title, "POST", `${subscription(id)}/tier`, { body: { tier } });
export const cancelSubscription = (title, id) => confirmed(title, "POST", `${subscription(id)}/cancellation`);
export const resumeSubscription = (title, id) =>
  confirmed(title, "DELETE", `${subscription(id)}/cancellation`);
export const requestSeat = (title, request) =>
  confirmed(title, "POST", `${account()}/seat-requests`, { body: request });
export const approveRequest = (title, id, buy) =>
  confirmed(title, "POST", `${account()}/seat-requests/${id}/approval`, { body: buy ? { buy } : {} });
export const declineRequest = (title, id, note) =>
  confirmed(title, "POST", `${account()}/seat-requests/${id}/decline`, { body: note ? { note } : {} });
export const withdrawRequest = (title, id) =>
  confirmed(title, "POST", `${account()}/seat-requests/${id}/withdrawal`);
export const importLines = (title, kind, text, onError) =>
  confirmed(title, "POST", `${account()}/${kind}`, {
    query: { on_error: onError },
    body: text,
    type: "text/csv",
  });

// Webhooks, with an API key
export const listEndpoints = () => all("/v1/webhook-endpoints", {}, withKey());
export const getEndpoint = (id) => read(endpoint(id), {}, withKey());
export const listLanes = (id) => read(`${endpoint(id)}/lanes`, { limit: 200 }, withKey());
export const listParked = (id) => read(`${endpoint(id)}/parked`, { limit: 200 }, withKey());
export const listReplays = (id) => read(`${endpoint(id)}/replays`, { limit: 5 }, withKey());
export const listDeliveries = (id, query) => read(`${endpoint(id)}/deliveries`, query, withKey());
export const getDelivery = (id, eventId) => read(`${endpoint(id)}/deliveries/${eventId}`, {}, withKey());
export const payloadOf = (accountId, eventId) =>
  read(`/v1/accounts/${accountId}/events/${eventId}`, {}, withKey());
export const ping = (id) => send("POST", `${endpoint(id)}/ping`, withKey());
export const retryDelivery = (id, eventId) =>
  send("POST", `${endpoint(id)}/deliveries/${eventId}/retry`, withKey());
export const previewReplay = (id, wanted) =>
  send("POST", `${endpoint(id)}/replay`, { body: { ...wanted, dry_run: true }, ...withKey() });
export const replay = (title, id, wanted) =>
  confirmed(title, "POST", `${endpoint(id)}/replay`, { body: wanted, ...withKey() });
export const pauseEndpoint = (title, id) => confirmed(title, "POST", `${endpoint(id)}/pause`, withKey());
export const enableEndpoint = (title, id) => confirmed(title, "POST", `${endpoint(id)}/enable`, withKey());
export const rotateSecret = (title, id, seconds) =>
  confirmed(title, "POST", `${endpoint(id)}/secret`, { body: { overlap_seconds: seconds }, ...withKey() });
export const recoverParked = (title, id) =>
  confirmed(title, "POST", `${endpoint(id)}/recover`, { body: {}, ...withKey() });
