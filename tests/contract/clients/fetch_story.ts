// The story of a customer, told with openapi-fetch and the types of openapi-typescript.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./types.js";

const [address, token] = process.argv.slice(2);
// Some lists are CSV files, too, for who accepts text/csv; this client takes JSON, and no text.
const client = createClient<paths, `application/${string}`>({
  baseUrl: address,
  headers: { Authorization: `Bearer ${token}` },
});

const account = (await client.POST("/v1/accounts", { body: { name: "Acme" } })).data;
assert(account !== undefined);
assert.equal(account.pricing_model, "seat_based");
const clock: string | null = account.test_clock_id;
assert.equal(clock, null);
const path = { account_id: account.id };

const checkout = await client.POST("/v1/accounts/{account_id}/subscriptions", {
  params: { path, header: { "Idempotency-Key": randomUUID() } },
  body: {
    product: "marketing",
    tier: "professional",
    interval: "month",
    seats: [{ seat_type: "core", quantity: 1 }],
  },
});
assert.equal(checkout.data?.term.number, 1);

const users: components["schemas"]["User"][] = [];
for (const name of ["Priya", "Noah"]) {
  const { data } = await client.POST("/v1/accounts/{account_id}/users", {
    params: { path },
    body: { email: `${name}@example.com`, name, status: "active" },
  });
  assert(data !== undefined);
  users.push(data);
}

async function assign(user: components["schemas"]["User"] | undefined) {
  assert(user !== undefined);
  return await client.POST("/v1/accounts/{account_id}/seats", {
    params: { path },
    body: { user_id: user.id, seat_type: "core" },
  });
}
const seat = await assign(users[0]);
assert.equal(seat.data?.user_id, users[0]?.id);
const refused = await assign(users[1]);
assert.equal(refused.response.status, 409);
const problem: components["schemas"]["Problem"] | undefined = refused.error;
assert.equal(problem?.code, "no_seat_available");
assert.equal(problem?.purchased, 1);

async function buy(key: string) {
  return await client.POST("/v1/accounts/{account_id}/purchases", {
    params: { path, header: { "Idempotency-Key": key } },
    body: { seat_type: "core", quantity: 2 },
  });
}
const key = randomUUID();
const first = await buy(key);
const again = await buy(key);
assert.equal(again.response.headers.get("Idempotency-Replayed"), "true");
assert.deepEqual(again.data, first.data);
assert.equal(first.data?.purchased_after, 3);

const removal = await client.POST("/v1/accounts/{account_id}/removals", {
  params: { path },
  body: { seat_type: "core", quantity: 1 },
});
assert.equal(removal.data?.status, "scheduled");
assert.equal(removal.data?.renewal_quantity, 2);

const sequences: number[] = [];
let cursor: string | null | undefined;
do {
  const { data } = await client.GET("/v1/accounts/{account_id}/events", {
    params: { path, query: { limit: 2, ...(cursor ? { cursor } : {}) } },
  });
  assert(data !== undefined);
  sequences.push(...data.items.map((event) => event.sequence));
  cursor = data.next_cursor;
} while (cursor !== null);
assert(sequences.length > 5);
assert.deepEqual(sequences, sequences.map((_, index) => index + 1));

const endpoint = await client.POST("/v1/webhook-endpoints", {
  body: {
    url: "http://127.0.0.1:9/seats",
    event_types: ["seat.*"],
    account_id: account.id,
  },
});
assert(endpoint.data !== undefined);
const at = { endpoint_id: endpoint.data.id };
const read = await client.GET("/v1/webhook-endpoints/{endpoint_id}", { params: { path: at } });
const etag = read.response.headers.get("ETag");
assert(etag !== null);

async function describe(ifMatch: string) {
  return await client.PATCH("/v1/webhook-endpoints/{endpoint_id}", {
    params: { path: at, header: { "If-Match": ifMatch } },
    body: { description: "Billing" },
  });
}
assert.equal((await describe(etag)).data?.description, "Billing");
const stale = await describe(etag);
assert.equal(stale.response.status, 412);
assert.equal(stale.error?.code, "precondition_failed");
