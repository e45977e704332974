/** Remembers in this tab which list somebody reads, so that the way back from a job leads there. */

const LIST = "relais:list";

/** Remember the address of a list; that of all jobs needs no memory. */
export function rememberList(address) {
  try {
    if (address === "/") sessionStorage.removeItem(LIST);
    else sessionStorage.setItem(LIST, address);
  } catch {
    // a browser that forbids storage leads back to all jobs
  }
}

/** The address of the list that was read last; null when that was all jobs, or nobody knows. */
export function rememberedList() {
  try {
    return sessionStorage.getItem(LIST);
  } catch {
    return null;
  }
}
