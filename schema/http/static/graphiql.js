"use strict";
/* GraphiQL with a sign-in, a purpose, and a view of what was hidden. The token and everything typed
   live in this page's memory alone: nothing goes into the address, storage or a cookie. */

const REASONS = {
  ROLE: "この役割には許されません / not open to your roles",
  PURPOSE: "この目的には許されません / not open for this purpose",
  LIST: "一覧では出ません。一人ずつ見てください / not in a list, ask for one person",
  INVARIANT: "規則で常に伏せられます / always hidden here, by rule",
  CASE_REFERENCE: "受付番号が要ります / needs a case reference",
  MASKED: "一部だけ見えます / shown masked",
};

const FIRST_QUERY = `# 上でサインインし、利用目的を選んでから実行してください。
# Sign in above, choose a purpose, then run.

query Viewer {
  viewer {
    id
    roles
  }
}
`;

const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) {
    token
    expiresAt
    idleTimeoutSeconds
    viewer { id roles purposesOfUse { code nameJa } }
  }
}`;

const SIGN_OUT = "mutation SignOut { signOut { __typename } }";

window.__webpack_nonce__ = document.currentScript.nonce;

const byId = (id) => document.getElementById(id);
const signInForm = byId("sign-in");
const context = byId("context");
let token = null;
let end = 0;
let idleSeconds = 0;
let ending = 0;

function headers() {
  const sent = {
    Accept: "application/graphql-response+json, application/json;q=0.9",
    "Content-Type": "application/json",
  };
  if (token === null) return sent;
  const { purpose, caseReference, privacyMode } = context.elements;
  sent.Authorization = `Bearer ${token}`;
  if (purpose.value) sent["Purpose-Of-Use"] = purpose.value;
  if (caseReference.value && caseReference.checkValidity()) {
    sent["Case-Reference"] = caseReference.value;
  }
  sent["Privacy-Mode"] = privacyMode.value;
  return sent;
}

async function ask(query, variables, operationName) {
  const held = token;
  const response = await fetch("graphql", {
    method: "POST",
    credentials: "omit",
    referrerPolicy: "no-referrer",
    headers: headers(),
    body: JSON.stringify({ query, variables, operationName }),
  });
  const answer = await response.json();
  if (held !== null) touched();
  return answer;
}

/* The server begins the idle time anew with every request. */
function touched() {
  window.clearTimeout(ending);
  ending = window.setTimeout(forget, Math.min(idleSeconds * 1000, end - Date.now()));
}

async function fetcher({ query, variables, operationName }) {
  // GraphiQL reads the names a moment late: a query just replaced would be sent with the old one.
  const there = new RegExp(`\\b${operationName}\\b`).test(query);
  const answer = await ask(query, variables, there ? operationName : undefined);
  if (operationName !== "IntrospectionQuery") show(answer);
  return answer;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function show(answer) {
  const code = answer.errors?.[0]?.extensions?.code;
  if (code === "UNAUTHENTICATED" && token !== null) forget();
  const { hidden = [], obligations = [] } = answer.extensions?.privacy ?? {};
  showHidden(hidden);
  showObligations(obligations);
  byId("privacy").hidden = hidden.length + obligations.length === 0;
}

function showHidden(hidden) {
  const rows = hidden.map(({ path, coordinate, reason }) => {
    const row = document.createElement("tr");
    row.append(element("td", path.join(".")), element("td", coordinate));
    row.append(element("td", `${reason} – ${REASONS[reason] ?? ""}`));
    return row;
  });
  const box = byId("hidden");
  box.querySelector("tbody").replaceChildren(...rows);
  box.querySelector("summary").textContent =
    `伏せられた項目 ${hidden.length} 件 / hidden fields: ${hidden.length}`;
  box.hidden = hidden.length === 0;
}

function showObligations(obligations) {
  const items = obligations.map((one) => element("li", care(one)));
  const box = byId("obligations");
  box.querySelector("ul").replaceChildren(...items);
  box.hidden = obligations.length === 0;
}

function care({ path, addressWithheld, stopOutput }) {
  const what = [];
  if (addressWithheld) what.push("住所・居所を伏せる / withhold the address");
  if (stopOutput) what.push("出力を止める / stop output");
  return `${path.join(".")}: ${what.join("; ")}`;
}

/* What somebody asked and was shown leaves with them, in every tab: GraphiQL keeps it as long as the
   page lives. */
function forget() {
  token = null;
  window.location.reload();
}

function purposeOption({ code, nameJa }) {
  const option = element("option", `${nameJa} (${code})`);
  option.value = code;
  return option;
}

function remember({ token: given, expiresAt, idleTimeoutSeconds, viewer }) {
  token = given;
  end = Date.parse(expiresAt);
  idleSeconds = idleTimeoutSeconds;
  touched();
  context.elements.purpose.replaceChildren(
    ...viewer.purposesOfUse.map(purposeOption),
  );
  byId("who").textContent = `${viewer.id} (${viewer.roles.join(", ")})`;
  const until = new Date(expiresAt).toLocaleTimeString("ja-JP", {
    hour: "2-digit",
    minute: "2-digit",
    timeZone: "Asia/Tokyo",
  });
  byId("until").textContent = `${until} まで / until ${until}`;
  byId("notice").textContent = "";
  signInForm.reset();
  signInForm.hidden = true;
  context.hidden = false;
}

signInForm.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { staffId, password } = signInForm.elements;
  const input = { staffId: staffId.value, password: password.value };
  try {
    const answer = await ask(SIGN_IN, { input }, "SignIn");
    if (answer.data?.signIn) remember(answer.data.signIn);
    else byId("notice").textContent = answer.errors?.[0]?.message ?? "?";
  } catch {
    byId("notice").textContent = "サーバーが応答しません。 The server does not answer.";
  }
});

context.addEventListener("submit", (event) => event.preventDefault());

byId("sign-out").addEventListener("click", async () => {
  try {
    await ask(SIGN_OUT, undefined, "SignOut");
  } finally {
    forget();
  }
});

/* GraphiQL keeps what is typed, headers too, in localStorage. Here it gets a place that ends with
   the page. */
function memoryStorage() {
  const kept = new Map();
  return {
    get length() { return kept.size; },
    clear: () => kept.clear(),
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => { kept.set(name, String(value)); },
    removeItem: (name) => { kept.delete(name); },
    key: (index) => [...kept.keys()][index] ?? null,
  };
}

ReactDOM.createRoot(byId("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    storage: memoryStorage(),
    defaultQuery: FIRST_QUERY,
    isHeadersEditorEnabled: false,
    shouldPersistHeaders: false,
    showPersistHeadersSettings: false,
    inputValueDeprecation: true,
  }),
);
