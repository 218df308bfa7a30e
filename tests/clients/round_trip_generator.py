"""openapi-generator, Python: one round trip."""

import os
from uuid import UUID

import kakunin_generated as kakunin
from kakunin_generated.api_client import ApiClient  # the package names the schema of an API client so
from kakunin_generated.rest import ApiException

number = os.environ["NUMBER"]
configuration = kakunin.Configuration(host=os.environ["BASE_URL"])
with ApiClient(configuration) as client:
    issued = kakunin.AuthApi(client).issue_token(
        grant_type="client_credentials",
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
    )
    configuration.access_token = issued.access_token
    contractors = kakunin.ContractorsApi(client)

    wanted = kakunin.ContractorCreate(
        name="株式会社パイ", name_kana="カブシキガイシャパイ", corporate_number=number
    )
    created = contractors.create_contractor_with_http_info(wanted, idempotency_key="python-" + number)
    assert created.status_code == 201
    contractor = created.data

    etag = next(value for name, value in created.headers.items() if name.lower() == "etag")
    changed = contractors.update_contractor(
        contractor.id, etag, kakunin.ContractorPatch(note="窓口を確認した。")
    )
    assert changed.note == "窓口を確認した。"
    assert changed.name_kana == contractor.name_kana, "something else was cleared"

    page = contractors.list_contractors(q="パイ", limit=1)
    assert page.items[0].id == contractor.id

    asked = kakunin.GateApi(client).create_gate_check(
        kakunin.GateCheckCreate(action="sign", contractor_id=contractor.id)
    )
    assert asked.decision

    try:
        contractors.create_contractor(kakunin.ContractorCreate.model_construct(name="", corporate_number="1"))
        raise AssertionError("it was not refused")
    except ApiException as refused:
        assert refused.status == 422 and "/name" in refused.body

    newer = contractors.get_contractor(UUID(os.environ["UNKNOWN_ID"]))
    assert newer.status == "suspended"
