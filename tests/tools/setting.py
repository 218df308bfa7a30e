"""Prints the variables that round trips need of a running demo: its address, a client, a contractor in a status that an
older document does not have, and corporate numbers that nobody has yet.

    setting.py DEMO_JSON CLIENT_NUMBER
"""

import random
import sys

from api import of_demo


def corporate_number():
    """A random one with the check digit of the National Tax Agency's rule."""
    digits = f"{random.randrange(10**12):012d}"
    total = sum(int(digit) * (1 if place % 2 else 2) for place, digit in enumerate(reversed(digits), 1))
    return f"{9 - total % 9}{digits}"


api, client = of_demo(sys.argv[1], int(sys.argv[2]))
newer = api.ok("POST", "/contractors", {"name": "株式会社しんコード", "status": "suspended"})
print(f"BASE_URL={api.base_url}\nCLIENT_ID={client['client_id']}\nCLIENT_SECRET={client['client_secret']}")
print(f"UNKNOWN_ID={newer['id']}")
for name in ["FETCH", "HEY", "JAVA", "PYTHON", "CLIENT"]:
    print(f"NUMBER_{name}={corporate_number()}")
