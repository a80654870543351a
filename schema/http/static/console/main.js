/* The page: which view is shown, for whom. The address names the view alone (`#/matrix`). */

import { both, byId, h, say } from "./dom.js";
import { fill } from "./notices.js";
import { approves, begin, purposeOf, signInForm } from "./session.js";
import { forgetVocabulary, vocabulary } from "./vocabulary.js";
import { draftView } from "./view_draft.js";
import { draftsView } from "./view_drafts.js";
import { explainView } from "./view_explain.js";
import { historyView, versionView } from "./view_history.js";
import { logView } from "./view_log.js";
import { matrixView } from "./view_matrix.js";
import { memberView, staffView } from "./view_staff.js";
import { unionView } from "./view_union.js";
import { waitingView } from "./view_waiting.js";

const EDIT = ["policy-administration", "audit"];

/** `words`: 日本語 and English; `purposes`: for which the view may ask, the first open one; `only`: who needs it. */
const VIEWS = {
  waiting: { words: ["あなたを待つもの", "Waiting"], purposes: EDIT, show: waitingView, only: approves },
  matrix: { words: ["現行", "In force"], purposes: EDIT, show: matrixView },
  drafts: { words: ["草案", "Drafts"], purposes: EDIT, show: draftsView },
  draft: { words: ["草案", "Draft"], purposes: EDIT, show: draftView, under: "drafts" },
  history: { words: ["版の履歴", "History"], purposes: EDIT, show: historyView },
  version: { words: ["版", "Version"], purposes: EDIT, show: versionView, under: "history" },
  explain: { words: ["理由を調べる", "Explain"], purposes: EDIT, show: explainView },
  union: { words: ["見える範囲の合計", "Union"], purposes: EDIT, show: unionView },
  staff: { words: ["職員とロール", "Staff"], purposes: EDIT, show: staffView },
  member: { words: ["職員", "Staff member"], purposes: EDIT, show: memberView, under: "staff" },
  log: { words: ["アクセスログ", "Access log"], purposes: ["audit"], show: logView },
};

let shown = 0;

function route() {
  const [name, ...rest] = window.location.hash.replace(/^#\/?/, "").split("/");
  return { name: name in VIEWS ? name : "", argument: rest.map(decodeURIComponent).join("/") };
}

const open = () => Object.keys(VIEWS).filter((name) =>
  purposeOf(VIEWS[name].purposes) && (VIEWS[name].only?.() ?? true));

function navigation(current) {
  const links = open().filter((name) => !VIEWS[name].under);
  byId("nav").replaceChildren(h("ul", {}, links.map((name) => h("li", {}, h("a", {
    href: `#/${name}`, "aria-current": name === current ? "page" : false,
  }, both(...VIEWS[name].words))))));
}

/** Show the view that the address names, or the first one that is open. */
async function show() {
  const turn = (shown += 1);
  byId("main").removeAttribute("data-view");
  const { name: asked, argument } = route();
  const name = open().includes(asked) ? asked : open()[0];
  if (!name) {
    byId("main").replaceChildren(nothing());
    settle();
    return;
  }
  const view = VIEWS[name];
  const purpose = purposeOf(view.purposes);
  navigation(view.under ?? name);
  document.title = `${view.words[0]} – 宛名 権限管理`;
  const place = h("div", { class: "view" });
  byId("main").replaceChildren(place);
  await fill(place, vocabulary(purpose).then((words) => view.show({ words, purpose, argument })));
  if (turn !== shown) return;
  settle();
}

/** A new view begins at its heading, for the eye and for a screen reader. */
function settle() {
  const heading = byId("main").querySelector("h1");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus();
  byId("main").dataset.view = window.location.hash.replace(/^#\/?/, "");
}

function nothing() {
  return h("div", { class: "view" },
    h("h1", {}, both("この画面で見られるものがありません", "Nothing here for your roles")),
    h("p", {}, "権限管理または点検・監査の利用目的を持つ職員のための画面です。",
      h("span", { lang: "en" }, " This page is for staff with the purpose policy-administration or audit.")));
}

begin((session, notice) => {
  shown += 1;
  forgetVocabulary();
  byId("session").hidden = !session;
  byId("nav").hidden = !session || open().length === 0;
  document.body.classList.toggle("signed-in", Boolean(session));
  if (session) {
    show();
    return;
  }
  const form = signInForm(notice);
  byId("main").replaceChildren(form);
  document.title = "サインイン – 宛名 権限管理";
  form.querySelector("input").focus();
  if (notice) say("サインアウトしました。 Signed out.");
});

window.addEventListener("hashchange", () => {
  // The link that skips to the content is no view.
  if (window.location.hash === "#main") return;
  if (document.body.classList.contains("signed-in")) show();
});

byId("main").replaceChildren(signInForm(null));
