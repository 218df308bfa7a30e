"""Prints the configuration of schemathesis for a running program: tests/tools/schemathesis.toml, the client's token, and
ids of records that are there, so that half of the calls meet a record and not a 404.

    fuzz.py DOCUMENT BASE_URL CLIENT_ID CLIENT_SECRET
"""

import json
import os
import re
import sys

from api import Api


def records(api, document):
    """Ids by the name of the path parameter that they are for."""
    found = {}
    for path in document["paths"]:
        match = re.fullmatch(r"/api/v1(/[a-z-]+)/\{([a-z_]+_id)\}", path)
        if match and match[2] not in found:
            status, answer = api.call("GET", match[1] + "?limit=20")
            ids = [item["id"] for item in answer.get("items", []) if "id" in item] if status == 200 else []
            if ids:
                found[match[2]] = ids
    for entry in found.get("engagement_id", []):
        period = api.ok("GET", f"/engagements/{entry}")["current_period"]
        if period:
            found.setdefault("engagement_period_id", []).append(period["id"])
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    api = Api(*sys.argv[2:5])
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "schemathesis.toml"), encoding="utf-8") as file:
        base = file.read()
    found = records(api, document)
    bound = ", ".join(f'"path.{name}" = {{ dictionary = "{name}", probability = 0.5 }}' for name in found)
    # Keys of the root come before the first table.
    head, tables = base.split("\n[checks]", 1)
    print(head)
    print(f"parameters = {{ {bound} }}")
    print("\n[checks]" + tables)
    for name, ids in found.items():
        print(f"[dictionaries.{name}]\nvalues = {json.dumps(ids)}")
    payload = f'{{ grant_type = "client_credentials", client_id = "{api.client_id}", client_secret = "{api.client_secret}" }}'
    print(
        "[auth.dynamic.openapi.oauth2]\n"
        'path = "/oauth/token"\n'
        f"payload = {payload}\n"
        'payload_content_type = "application/x-www-form-urlencoded"\n'
        'extract_selector = "/access_token"'
    )


main()
