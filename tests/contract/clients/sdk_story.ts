// The story of a customer, told with the SDK that @hey-api/openapi-ts generates.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { client } from "./sdk/client.gen.js";
import type { Problem, User } from "./sdk/index.js";
import * as seatkeeper from "./sdk/index.js";

const [address, token] = process.argv.slice(2);
assert(address !== undefined && token !== undefined);
client.setConfig({ baseUrl: address, auth: token });

const account = (await seatkeeper.createAccount({ body: { name: "Acme" } })).data;
assert(account !== undefined);
assert.equal(account.pricing_model, "seat_based");
const clock: string | null = account.test_clock_id;
assert.equal(clock, null);
const path = { account_id: account.id };

const checkout = await seatkeeper.checkout({
  path,
  headers: { "Idempotency-Key": randomUUID() },
  body: {
    product: "marketing",
    tier: "professional",
    interval: "month",
    seats: [{ seat_type: "core", quantity: 1 }],
  },
});
assert.equal(checkout.data?.term.number, 1);

const users: User[] = [];
for (const name of ["Priya", "Noah"]) {
  const { data } = await seatkeeper.createUser({
    path,
    body: { email: `${name}@example.com`, name, status: "active" },
  });
  assert(data !== undefined);
  users.push(data);
}

async function assign(user: User | undefined) {
  assert(user !== undefined);
  return await seatkeeper.assignSeat({ path, body: { user_id: user.id, seat_type: "core" } });
}
const seat = await assign(users[0]);
assert.equal(seat.data?.user_id, users[0]?.id);
const refused = await assign(users[1]);
assert.equal(refused.response?.status, 409);
const problem: Problem | undefined = refused.error;
assert.equal(problem?.code, "no_seat_available");
assert.equal(problem?.purchased, 1);

async function buy(key: string) {
  return await seatkeeper.purchaseSeats({
    path,
    headers: { "Idempotency-Key": key },
    body: { seat_type: "core", quantity: 2 },
  });
}
const key = randomUUID();
const first = await buy(key);
const again = await buy(key);
assert.equal(again.response?.headers.get("Idempotency-Replayed"), "true");
assert.deepEqual(again.data, first.data);
assert.equal(first.data?.purchased_after, 3);

const removal = await seatkeeper.scheduleRemoval({
  path,
  body: { seat_type: "core", quantity: 1 },
});
assert.equal(removal.data?.status, "scheduled");
assert.equal(removal.data?.renewal_quantity, 2);

const sequences: number[] = [];
let cursor: string | null | undefined;
do {
  const { data } = await seatkeeper.listEvents({
    path,
    query: { limit: 2, ...(cursor ? { cursor } : {}) },
  });
  assert(data !== undefined);
  sequences.push(...data.items.map((event) => event.sequence));
  cursor = data.next_cursor;
} while (cursor !== null);
assert(sequences.length > 5);
assert.deepEqual(sequences, sequences.map((_, index) => index + 1));

const endpoint = await seatkeeper.createWebhookEndpoint({
  body: {
    url: "http://127.0.0.1:9/seats",
    event_types: ["seat.*"],
    account_id: account.id,
  },
});
assert(endpoint.data !== undefined);
const at = { endpoint_id: endpoint.data.id };
const read = await seatkeeper.getWebhookEndpoint({ path: at });
const etag = read.response?.headers.get("ETag");
assert(typeof etag === "string");

async function describe(ifMatch: string) {
  return await seatkeeper.updateWebhookEndpoint({
    path: at,
    headers: { "If-Match": ifMatch },
    body: { description: "Billing" },
  });
}
assert.equal((await describe(etag)).data?.description, "Billing");
const stale = await describe(etag);
assert.equal(stale.response?.status, 412);
assert.equal(stale.error?.code, "precondition_failed");
