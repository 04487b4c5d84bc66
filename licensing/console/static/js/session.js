// Who is signed in. The token comes in the fragment of the address, which is emptied at once, and is
// kept in memory only; so is the API key of the webhooks screens. Both are gone when the page is.

const FRAGMENT = /^#token=([A-Za-z0-9._~-]+)$/;

export const session = { token: null, accountId: null, userId: null, apiKey: null };

// Take the token out of the address bar. Answers whether there was one.
export function takeFromAddress() {
  const found = FRAGMENT.exec(location.hash);
  if (!location.hash.startsWith("#token=")) return false;
  history.replaceState(null, "", location.pathname + location.search);
  return found ? signIn(found[1]) : false;
}

// The token says whose it is; whether it is genuine, only the service can tell.
export function signIn(token) {
  const claims = claimsOf(token.trim());
  if (!claims?.account_id || !claims?.sub) return false;
  Object.assign(session, { token: token.trim(), accountId: claims.account_id, userId: claims.sub });
  return true;
}

function claimsOf(token) {
  try {
    const bytes = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0))));
  } catch {
    return null;
  }
}
