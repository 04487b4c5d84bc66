// Talking to the service: one request, one answer, or an error that says in words what was wrong.

import { session } from "./session.js";

const PATIENCE = 20_000;
const PASSING = new Set([429, 502, 503, 504]);

// The service said no.
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail ?? `The service answered ${status}.`);
    Object.assign(this, { status, body, code: body.code ?? "", retryAfter });
  }

  // Asking again later can help.
  get passing() {
    return PASSING.has(this.status) || this.code === "idempotency_in_progress";
  }
}

// No answer came: nobody knows whether the request arrived.
export class Unreachable extends Error {
  constructor() {
    super("The service cannot be reached.");
    this.passing = true;
  }
}

// Asks somebody to sign in anew when a token has expired; main.js says how.
export const door = { renew: null };

const known = new Map(); // address → { etag, answer }: what has not changed is not sent again

export function address(path, query = {}) {
  const given = Object.entries(query).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

// Send a request. `as` is "json" or "text"; `by` is a key to send it with in place of the session
// token. Where that token has expired, another one is asked for and the request sent again.
export async function send(method, path, options = {}) {
  try {
    return await sendOnce(method, path, options);
  } catch (problem) {
    if (problem.status !== 401 || options.by) throw problem;
    await door.renew();
    return sendOnce(method, path, options);
  }
}

async function sendOnce(
  method,
  path,
  { query, body, type = "application/json", headers = {}, accept, as = "json", by, signal },
) {
  const url = address(path, query);
  const token = by ?? session.token;
  const cached = method === "GET" ? known.get(token + url) : undefined;
  const sent = { Authorization: `Bearer ${token}`, Accept: accept ?? "application/json", ...headers };
  if (body !== undefined) sent["Content-Type"] = type;
  if (cached) sent["If-None-Match"] = cached.etag;
  const answer = await reached(url, { method, headers: sent, body: text(body), signal: patient(signal) });
  if (answer.status === 304 && cached) return cached.answer;
  if (!answer.ok) throw await problemOf(answer);
  const content = answer.status === 204 ? null : await received(answer, as);
  const etag = answer.headers.get("ETag");
  if (method === "GET" && etag) known.set(token + url, { etag, answer: content });
  return content;
}

function text(body) {
  return body === undefined || typeof body === "string" ? body : JSON.stringify(body);
}

function patient(signal) {
  const limit = AbortSignal.timeout(PATIENCE);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

async function reached(url, request) {
  try {
    return await fetch(url, { ...request, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Unreachable();
  }
}

async function received(answer, as) {
  try {
    return await answer[as]();
  } catch {
    throw new Unreachable();
  }
}

async function problemOf(answer) {
  const body = await answer.json().catch(() => ({}));
  return new Problem(answer.status, body, Number(answer.headers.get("Retry-After")) || 0);
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Read something. Trouble that passes is waited for once.
export async function read(path, query, options = {}) {
  try {
    return await send("GET", path, { query, ...options });
  } catch (problem) {
    if (!problem.passing) throw problem;
    await pause(Math.min((problem.retryAfter || 0.4) * 1000, 5000));
    return send("GET", path, { query, ...options });
  }
}

const explanations = new Map();

// What the person can do about a refusal: the advice that the service gives for its code.
export async function adviceFor(problem) {
  const type = problem.body?.type ?? (problem.code && `/problems/${problem.code}`);
  if (!type?.startsWith("/problems/")) return null;
  if (!explanations.has(type)) {
    const asked = fetch(type, { headers: { Accept: "application/json" } });
    explanations.set(
      type,
      asked.then((answer) => (answer.ok ? answer.json() : { meanings: [] })).catch(() => null),
    );
  }
  const explained = await explanations.get(type);
  if (!explained) explanations.delete(type);
  return explained?.meanings.find(({ detail }) => says(detail, problem.message))?.advice ?? null;
}

// Whether a sentence is the template with its braces filled in.
function says(template, sentence) {
  const parts = template.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(sentence);
}
