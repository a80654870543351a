// Runs the public audit of GraphQL over HTTP against the server at the address given, and writes
// one JSON line per audit: {"id", "name", "status": "ok" | "notice" | "warn" | "error", "reason"}.
import { createRequire } from "node:module";

const { auditServer } = createRequire(import.meta.url)("graphql-http");
const [url] = process.argv.slice(2);

for (const { id, name, status, reason } of await auditServer({ url })) {
  console.log(JSON.stringify({ id, name, status, reason: reason ?? null }));
}
