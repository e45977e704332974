/** The dialog that takes the key, and the button that shows who is signed in. */

import { announce, byId, setText } from "./dom.js";
import { operate } from "./http.js";
import { key, operator, signIn, signOut, watchKey } from "./key.js";

/** Make button and dialog work. */
export function startSignIn() {
  const dialog = byId("key-dialog");
  const input = byId("key-input");
  byId("key-button").addEventListener("click", () => (key() === null ? openKeyDialog() : leave()));
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => (input.value = ""));
  byId("key-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const failure = await check(input.value.trim());
    setText(byId("key-error"), failure ?? "");
    if (failure) return input.select();
    dialog.close();
    announce("Signed in.");
  });
  watchKey(showWho);
}

/** Ask for the key. */
export function openKeyDialog() {
  setText(byId("key-error"), "");
  byId("key-dialog").showModal();
  byId("key-input").focus();
}

function leave() {
  signOut();
  announce("Signed out. The page is read-only.");
}

async function check(value) {
  if (!/^[\x21-\x7e]+$/.test(value)) return "This is no key: it has characters that no key has.";
  try {
    const who = await operate("GET", "/api/key", { tried: value });
    signIn(value, { name: who.name, scope: who.scope });
    return null;
  } catch (error) {
    return error.message;
  }
}

function showWho() {
  const who = operator();
  const button = byId("key-button");
  setText(button.querySelector("span"), who === null ? "Sign in" : "Sign out");
  setText(byId("key-name"), who?.name ?? "");
  document.body.dataset.scope = who === null ? "none" : (who.scope ?? "unknown");
  button.title = who === null ? "Sign in with an operator's key" : `Scope ${who.scope ?? "unknown"}; forgets the key`;
}
