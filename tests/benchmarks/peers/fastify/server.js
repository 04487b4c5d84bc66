// Fastify with response schemas and better-sqlite3 with prepared statements, as their documentation has it.
import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import Fastify from "fastify";

const features = { contacts: ["core", "sales"], reports: ["sales"] };
const db = new Database(process.env.PEER_DATABASE);
for (const pragma of ["journal_mode = wal", "synchronous = full", "foreign_keys = on", "busy_timeout = 5000"]) {
  db.pragma(pragma);
}
const heldBy = db.prepare("SELECT seat_type FROM seats WHERE account_id = ? AND user_id = ?");
const pageOf = db.prepare("SELECT * FROM seats WHERE account_id = ? AND id > ? ORDER BY id LIMIT ?");
const claim = db.prepare(
  "UPDATE pools SET assigned = assigned + 1 WHERE account_id = ? AND seat_type = ? AND assigned < purchased RETURNING id",
);
const addSeat = db.prepare(
  "INSERT INTO seats VALUES (@id, @account_id, @pool_id, @user_id, @seat_type, @created_at)",
);
const tell = db.prepare("INSERT INTO outbox (account_id, type, body) VALUES (?, 'seat.assigned', ?)");
const assign = db.transaction((account_id, { user_id, seat_type }) => {
  const pool = claim.get(account_id, seat_type);
  if (!pool) return null;
  const seat = { id: randomUUID(), account_id, pool_id: pool.id, user_id, seat_type, created_at: new Date().toISOString() };
  addSeat.run(seat);
  tell.run(account_id, JSON.stringify({ id: seat.id, user_id, seat_type }));
  return seat;
});

const text = { type: "string" };
const seat = {
  type: "object",
  properties: { id: text, account_id: text, pool_id: text, user_id: text, seat_type: text, created_at: text },
};
const page = {
  type: "object",
  properties: { items: { type: "array", items: seat }, next_cursor: { type: "string", nullable: true } },
};
const level = { type: "object", properties: { feature: text, level: text } };
const wanted = { type: "object", required: ["user_id", "seat_type"], properties: { user_id: text, seat_type: text } };

const app = Fastify();
app.get("/hello", async () => ({ hello: "world" }));
app.get(
  "/accounts/:account/users/:user/entitlements/:feature",
  { schema: { response: { 200: level } } },
  async ({ params: { account, user, feature } }) => {
    const allowed = heldBy.all(account, user).some((row) => features[feature].includes(row.seat_type));
    return { feature, level: allowed ? "full" : "none" };
  },
);
app.get("/accounts/:account/seats", { schema: { response: { 200: page } } }, async ({ params, query }) => {
  const limit = Number(query.limit ?? 50);
  const rows = pageOf.all(params.account, query.cursor ?? "", limit + 1);
  return { items: rows.slice(0, limit), next_cursor: rows.length > limit ? rows[limit - 1].id : null };
});
app.post("/accounts/:account/seats", { schema: { body: wanted, response: { 201: seat } } }, async (request, reply) => {
  const given = assign.immediate(request.params.account, request.body);
  if (!given) return reply.code(409).send({ error: "no seat is available" });
  return reply.code(201).send(given);
});
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
