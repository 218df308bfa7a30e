"""openapi-python-client: one round trip."""

import json
import os
import urllib.parse
import urllib.request
from uuid import UUID

from kakunin_client import AuthenticatedClient
from kakunin_client.api.contractors import create_contractor, get_contractor, list_contractors, update_contractor
from kakunin_client.api.gate import create_gate_check
from kakunin_client.models import ContractorCreate, ContractorPatch, GateCheckCreate

base, number = os.environ["BASE_URL"], os.environ["NUMBER"]
form = {
    "grant_type": "client_credentials",
    "client_id": os.environ["CLIENT_ID"],
    "client_secret": os.environ["CLIENT_SECRET"],
}
with urllib.request.urlopen(base + "/oauth/token", urllib.parse.urlencode(form).encode()) as answer:
    token = json.load(answer)["access_token"]
client = AuthenticatedClient(base_url=base, token=token)

created = create_contractor.sync_detailed(
    client=client,
    body=ContractorCreate(name="株式会社クライアント", name_kana="カブシキガイシャクライアント", corporate_number=number),
    idempotency_key="client-" + number,
)
assert created.status_code == 201, created
contractor = created.parsed

changed = update_contractor.sync(
    contractor.id, client=client, body=ContractorPatch(note="窓口を確認した。"), if_match=created.headers["ETag"]
)
assert changed.note == "窓口を確認した。"
assert changed.name_kana == contractor.name_kana, "something else was cleared"

page = list_contractors.sync(client=client, q="クライアント", limit=1)
assert page.items[0].id == contractor.id

asked = create_gate_check.sync(
    client=client, body=GateCheckCreate(action="sign", contractor_id=contractor.id)
)
assert asked.decision

refused = create_contractor.sync_detailed(client=client, body=ContractorCreate(name="", corporate_number="1"))
assert refused.status_code == 422 and refused.parsed.errors[0].pointer, refused

newer = get_contractor.sync(UUID(os.environ["UNKNOWN_ID"]), client=client)
assert newer.status == "suspended"
