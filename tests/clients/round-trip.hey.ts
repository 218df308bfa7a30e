// @hey-api/openapi-ts: one round trip, typed throughout.
import { client } from "./hey/client.gen";
import {
  createContractor, createGateCheck, getContractor, issueToken, listContractors, updateContractor,
} from "./hey/sdk.gen";
import { check, settings } from "./support";

async function main(): Promise<void> {
  const { baseUrl, clientId, clientSecret, unknownId, number } = settings();
  client.setConfig({ baseUrl });
  const issued = await issueToken({
    body: { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret },
  });
  check(issued.data !== undefined, "a token");
  client.setConfig({ baseUrl, auth: issued.data?.access_token ?? "" });

  const created = await createContractor({
    body: { name: "株式会社ヘイ", name_kana: "カブシキガイシャヘイ", corporate_number: number },
    headers: { "Idempotency-Key": `hey-${number}` },
  });
  const contractor = created.data;
  check(contractor !== undefined, "created");
  if (contractor === undefined) return;

  const changed = await updateContractor({
    path: { contractor_id: contractor.id },
    headers: { "If-Match": created.response?.headers.get("ETag") ?? "" },
    body: { note: "窓口を確認した。" },
  });
  check(changed.data?.note === "窓口を確認した。", "changed");
  check(changed.data?.name_kana === contractor.name_kana, "nothing else was cleared");

  const listed = await listContractors({ query: { q: "ヘイ", limit: 1 } });
  check(listed.data?.items.some((item) => item.id === contractor.id) === true, "listed");

  const asked = await createGateCheck({ body: { action: "sign", contractor_id: contractor.id } });
  check(asked.data?.decision !== undefined, "asked the gate");

  const refused = await createContractor({ body: { name: "", corporate_number: "1" } });
  check(refused.response?.status === 422, "refused");
  check(refused.error?.errors.some((wrong) => wrong.pointer === "/name") === true, "each mistake is named");

  const newer = await getContractor({ path: { contractor_id: unknownId } });
  check((newer.data?.status as string | undefined) === "suspended", "a code that this client does not know");
}

void main();
