// openapi-typescript with openapi-fetch: one round trip, typed throughout.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";
import { check, settings } from "./support";

async function main(): Promise<void> {
  const { baseUrl, clientId, clientSecret, unknownId, number } = settings();
  const anonymous = createClient<paths>({ baseUrl });
  const issued = await anonymous.POST("/oauth/token", {
    body: { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret },
    bodySerializer: (body) => new URLSearchParams(body as Record<string, string>),
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  check(issued.data !== undefined, "a token");
  const api = createClient<paths>({
    baseUrl,
    headers: { Authorization: `Bearer ${issued.data?.access_token ?? ""}` },
  });

  const body: components["schemas"]["ContractorCreate"] = {
    name: "株式会社フェッチ",
    name_kana: "カブシキガイシャフェッチ",
    corporate_number: number,
  };
  const created = await api.POST("/api/v1/contractors", {
    params: { header: { "Idempotency-Key": `fetch-${number}` } },
    body,
  });
  const contractor = created.data;
  check(contractor !== undefined && created.response.status === 201, "created");
  if (contractor === undefined) return;

  const path = { contractor_id: contractor.id };
  const etag = created.response.headers.get("ETag") ?? "";
  const changed = await api.PATCH("/api/v1/contractors/{contractor_id}", {
    params: { path, header: { "If-Match": etag } },
    body: { note: "窓口を確認した。" },
  });
  check(changed.data?.note === "窓口を確認した。", "changed");
  check(changed.data?.name_kana === contractor.name_kana, "nothing else was cleared");

  const listed = await api.GET("/api/v1/contractors", { params: { query: { q: "フェッチ", limit: 1 } } });
  check(listed.data?.items.some((item) => item.id === contractor.id) === true, "listed");

  const asked = await api.POST("/api/v1/gate-checks", { body: { action: "sign", contractor_id: contractor.id } });
  check(asked.data?.decision !== undefined, "asked the gate");

  const refused = await api.POST("/api/v1/contractors", { body: { name: "", corporate_number: "1" } });
  check(refused.response.status === 422, "refused");
  check(refused.error?.errors.some((wrong) => wrong.pointer === "/name") === true, "each mistake is named");

  const newer = await api.GET("/api/v1/contractors/{contractor_id}", { params: { path: { contractor_id: unknownId } } });
  check((newer.data?.status as string | undefined) === "suspended", "a code that this client does not know");
}

void main();
