"""Every operation was answered in the tests with a success, and with a problem where it declares one of its caller's.

    covered.py DOCUMENT ANSWERS    (lines "operation status", written by tests/it/harness/contract.rs)
"""

import json
import sys

METHODS = {"get", "post", "put", "patch", "delete"}

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
with open(sys.argv[2], encoding="utf-8") as file:
    seen = {tuple(line.split()) for line in file}
operations = [
    operation for item in document["paths"].values() for method, operation in item.items() if method in METHODS
]
missing = []
for operation in operations:
    name = operation["operationId"]
    statuses = {status for known, status in seen if known == name}
    for kind, what in [("2", "success"), ("4", "problem of the caller")]:
        declared = any(status.startswith(kind) for status in operation["responses"])
        if declared and not any(status.startswith(kind) for status in statuses):
            missing.append(f"{name}: no test meets a {what}")
print("\n".join(missing))
pairs = len(seen)
print(f"{len(operations)} operations, {pairs} pairs of operation and status met in tests, {len(missing)} missing")
sys.exit(1 if missing else 0)
