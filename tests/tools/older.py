"""Makes the document that a client was generated from before the program learned another code: without the status
`suspended` of a contractor.

    older.py DOCUMENT OLDER
"""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
status = document["components"]["schemas"]["ContractorStatus"]
(status["enum"] if "enum" in status else status["x-extensible-enum"]).remove("suspended")
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump(document, file, ensure_ascii=False)
