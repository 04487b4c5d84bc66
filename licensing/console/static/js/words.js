// How things are said: dates, money, numbers, names. The locale is the reader's, if it is English;
// the time zone is the account's, so that every administrator reads the same day.

const locale = navigator.languages.find((language) => language.startsWith("en")) ?? "en-GB";
const formats = { zone: "UTC" };
const DAY = 86_400_000;

export function useZone(zone) {
  formats.zone = zone;
  formats.day = format({ day: "numeric", month: "short", year: "numeric" });
  formats.weekday = format({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
  formats.time = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  formats.iso = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
}

function format(parts) {
  return new Intl.DateTimeFormat(locale, { timeZone: formats.zone, ...parts });
}

useZone("UTC");

export const day = (instant) => (instant ? formats.day.format(new Date(instant)) : "–");
export const weekday = (instant) => formats.weekday.format(new Date(instant));
export const time = (instant) => formats.time.format(new Date(instant));
export const moment = (instant) => `${day(instant)}, ${time(instant)}`;
export const isoDay = (instant) => formats.iso.format(new Date(instant));

const numbers = new Intl.NumberFormat(locale);
// The instant at which a day such as 2026-03-05 begins in the account's time zone.
export function beginning(dayText) {
  const guess = Date.parse(`${dayText}T00:00:00Z`);
  const there = new Intl.DateTimeFormat("sv-SE", {
    timeZone: formats.zone,
    dateStyle: "short",
    timeStyle: "medium",
  }).format(guess);
  return new Date(2 * guess - Date.parse(`${there.replace(" ", "T")}Z`)).toISOString();
}

// The last instant of a day.
export function end(dayText) {
  const next = new Date(Date.parse(`${dayText}T00:00:00Z`) + DAY).toISOString().slice(0, 10);
  return new Date(Date.parse(beginning(next)) - 1).toISOString();
}

export const number = (value) => numbers.format(value);

export function count(quantity, one, many = `${one}s`) {
  return `${number(quantity)} ${quantity === 1 ? one : many}`;
}

export function money(sum) {
  if (!sum) return "not priced";
  const style = new Intl.NumberFormat(locale, { style: "currency", currency: sum.currency });
  return style.format(sum.amount / 10 ** style.resolvedOptions().maximumFractionDigits);
}

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

// "today", "3 days ago", "2 months ago"
export function ago(instant) {
  if (!instant) return "never";
  const days = Math.round((Date.parse(isoDay(instant)) - Date.parse(isoDay(Date.now()))) / DAY);
  if (Math.abs(days) < 45) return relative.format(days, "day");
  if (Math.abs(days) < 700) return relative.format(Math.round(days / 30.4), "month");
  return relative.format(Math.round(days / 365), "year");
}

export function daysFromNow(days) {
  return new Date(Date.now() + days * DAY).toISOString();
}

// A name of the API as words: "view_only" → "View only"
export function words(name) {
  const text = String(name).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function listed(items) {
  return new Intl.ListFormat("en", { type: "conjunction" }).format(items);
}

export function every(interval, count_) {
  return count_ === 1 ? (interval === "year" ? "yearly" : "monthly") : `every ${count(count_, interval)}`;
}
