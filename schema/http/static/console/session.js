/* Who is signed in, and until when. Nothing here outlives the page. */

import { ask, hold, listen, Refusal } from "./api.js";
import { both, button, byId, field, h, say } from "./dom.js";
import { refused } from "./notices.js";
import { RIGHTS, SIGN_IN, SIGN_OUT, VIEWER } from "./queries.js";

const WARN_SECONDS = 60;

/** @type {{viewer: any, rights: Record<string, Promise<Map<string, any>>>, idleSeconds: number, idleEnd: number, end: number} | null} */
let session = null;
let ticking = 0;
let warned = false;
let changed = (_session, _notice) => {};

export const viewer = () => session?.viewer ?? null;

/** The first of these purposes that is open to whoever is signed in, or null. */
export function purposeOf(wanted) {
  const open = session?.viewer.purposesOfUse.map(({ code }) => code) ?? [];
  return wanted.find((code) => open.includes(code)) ?? null;
}

/** Whether deciding on what others propose is the business of whoever is signed in. */
export const approves = () =>
  ["collection-director", "privacy-auditor"].some((role) => session?.viewer.roles.includes(role));

/** Whether whoever is signed in may write this for the purpose; the server decides in any case. */
export async function mayWrite(purpose, coordinate) {
  return (await rights(purpose)).get(coordinate)?.write === "SHOWN";
}

/** Whether they may order and filter the access log. */
export async function maySearchLog(purpose) {
  return (await rights(purpose)).get("AccessRecord.at")?.search === "SHOWN";
}

/** @returns {Promise<Map<string, {write: string, search: string}>>} by coordinate */
function rights(purpose) {
  if (!session) return Promise.resolve(new Map());
  session.rights[purpose] ??= ask(RIGHTS, { purpose })
    .then(({ viewer: { clearance } }) => new Map(clearance.map((one) => [one.coordinate, one])));
  return session.rights[purpose];
}

/** Tells `listener(session, notice)` of every sign-in and of every end. */
export function begin(listener) {
  changed = listener;
  listen({ asked: touched, ended: () => forget("ENDED") });
}

/** The form, with the reason why it is shown where there is one. */
export function signInForm(notice) {
  const staffId = h("input", {
    required: true, autocomplete: "username", spellcheck: "false", autocapitalize: "none",
  });
  const password = h("input", { type: "password", required: true, autocomplete: "current-password" });
  const result = h("div");
  const submit = h("button", { class: "main" }, both("サインイン", "Sign in"));
  const form = h(
    "form",
    { class: "sign-in", autocomplete: "off" },
    h("h1", {}, both("権限管理コンソール", "Policy console")),
    notice ? h("p", { class: "box note" }, NOTICES[notice] && both(...NOTICES[notice])) : null,
    field(both("職員番号", "Staff ID"), staffId),
    field(both("パスワード", "Password"), password),
    h("p", {}, submit),
    result,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    result.replaceChildren();
    try {
      const input = { staffId: staffId.value, password: password.value };
      remember((await ask(SIGN_IN, { variables: { input } })).signIn);
    } catch (error) {
      result.replaceChildren(refused(error));
      password.value = "";
      password.focus();
    } finally {
      submit.disabled = false;
    }
  });
  return form;
}

const NOTICES = {
  IDLE: ["操作がなかったため、サインアウトしました。", "You were signed out after a time without activity."],
  ENDED: ["セッションが終わりました。サインインし直してください。", "The session has ended. Sign in again."],
  OUT: ["サインアウトしました。", "You have signed out."],
};

function remember(given) {
  hold(given.token);
  session = {
    viewer: given.viewer,
    rights: {},
    idleSeconds: given.idleTimeoutSeconds,
    idleEnd: 0,
    end: Date.parse(given.expiresAt),
  };
  touched();
  ticking = window.setInterval(tick, 1000);
  changed(session, null);
  show();
}

/** The server begins the idle time anew with every request; so does the clock shown here. */
function touched() {
  if (!session) return;
  session.idleEnd = Date.now() + session.idleSeconds * 1000;
  warned = false;
  tick();
}

function remaining() {
  const end = session ? Math.min(session.idleEnd, session.end) : 0;
  return Math.max(0, Math.ceil((end - Date.now()) / 1000));
}

function tick() {
  if (!session) return;
  const left = remaining();
  if (left === 0) {
    forget("IDLE");
    return;
  }
  const clock = document.getElementById("clock");
  if (clock) {
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    clock.parentElement?.classList.toggle("soon", left <= WARN_SECONDS);
  }
  if (left <= Math.min(WARN_SECONDS, session.idleSeconds / 2) && !warned) {
    warned = true;
    byId("alarm").textContent =
      `あと${left}秒で自動的にサインアウトします。続けるには「延長」を押してください。`;
  }
}

function show() {
  const { id, roles } = session?.viewer ?? {};
  byId("session").replaceChildren(
    h("p", {}, h("strong", {}, id), " ", h("span", { class: "code" }, roles.join(", "))),
    h("p", { class: "left", title: "操作しないと自動的にサインアウトします" },
      h("span", {}, both("残り", "left")), " ", h("span", { id: "clock", class: "clock", role: "timer" })),
    button(both("延長", "Extend"), extend),
    button(both("サインアウト", "Sign out"), leave),
  );
  tick();
}

async function extend() {
  try {
    await ask(VIEWER);
    byId("alarm").textContent = "";
    say("延長しました。 Extended.");
  } catch (error) {
    if (error instanceof Refusal) say(`${error.ja} (${error.code})`);
  }
}

async function leave() {
  try {
    await ask(SIGN_OUT);
  } catch {
    // Signed out here in any case; the server ends the session when its idle time is over.
  }
  forget("OUT");
}

function forget(notice) {
  if (!session) return;
  hold(null);
  session = null;
  window.clearInterval(ticking);
  byId("alarm").textContent = "";
  changed(null, notice);
}
