/** Holds the operator's key: in this tab only, until somebody signs out or closes it. */

const KEY = "relais:operator-key";
const WHO = "relais:operator";
const watchers = new Set();

/** The key; null without one. */
export function key() {
  return recall(KEY);
}

/** Who signed in, as far as the API says: `{name, scope}`; null without a key. */
export function operator() {
  return key() === null ? null : JSON.parse(recall(WHO) ?? "{}");
}

/** Whether the key's scope reaches: an unknown scope may, the API decides. */
export function may(scope) {
  const reach = { read: 1, ops: 2, admin: 3 };
  const who = operator();
  return who !== null && (reach[who.scope] ?? 3) >= reach[scope];
}

/** Keep a key that the API took. */
export function signIn(value, who) {
  remember(KEY, value);
  remember(WHO, JSON.stringify(who));
  tell();
}

/** Forget the key. */
export function signOut() {
  if (key() === null) return;
  remember(KEY, null);
  remember(WHO, null);
  tell();
}

/** Call back now and after every change. */
export function watchKey(callback) {
  watchers.add(callback);
  callback();
}

function tell() {
  for (const watcher of watchers) watcher();
}

let forbidden = {}; // a browser that forbids storage keeps it until the page is left

function recall(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return forbidden[name] ?? null;
  }
}

function remember(name, value) {
  try {
    if (value === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, value);
  } catch {
    forbidden[name] = value;
  }
}
