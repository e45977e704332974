/** Opens the page to clicks and keys: it comes inert, since before its scripts run it could only swallow them. */

export function letIn() {
  for (const part of document.querySelectorAll("[inert]")) part.inert = false;
}
