// Who is signed in. The token comes in the fragment of the address, which is emptied at once, and is
// kept in memory only; so is the API key of the webhooks screens. Both are gone when the page is.

export const session = { token: null, accountId: null, userId: null, apiKey: null };

// Take the token out of the address bar. Answers whether there was a good one. Where it comes from
// a company's own identity provider, which has other names for things, `account` and `user` stand
// beside it: #token=…&account=acc_…&user=usr_…
export function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.has("token")) return false;
  history.replaceState(null, "", location.pathname + location.search);
  return signIn(given.get("token"), given.get("account"), given.get("user"));
}

// The token says whose it is; whether it is genuine, only the service can tell.
export function signIn(text, account = null, user = null) {
  const token = text.trim();
  const claims = claimsOf(token);
  const [accountId, userId] = [account ?? claims?.account_id, user ?? claims?.sub];
  if (!claims || !accountId || !userId) return false;
  Object.assign(session, { token, accountId, userId });
  return true;
}

function claimsOf(token) {
  try {
    const bytes = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(
      new TextDecoder().decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0))),
    );
  } catch {
    return null;
  }
}
