"""A client of the API for the checks: the standard library alone."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request


class Api:
    """One client with its token; a demo's `demo.json` says where, and which of its clients is meant."""

    def __init__(self, base_url, client_id, client_secret):
        self.base_url, self.client_id, self.client_secret = base_url, client_id, client_secret
        basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        form = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
        request = urllib.request.Request(
            base_url + "/oauth/token", data=form, headers={"Authorization": "Basic " + basic}
        )
        with urllib.request.urlopen(request) as answer:
            self.token = json.load(answer)["access_token"]

    def call(self, method, path, body=None, headers=None):
        """Status and body; a problem is an answer too."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + "/api/v1" + path, data=data, method=method)
        request.add_header("Authorization", "Bearer " + self.token)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def ok(self, method, path, body=None, headers=None):
        status, answer = self.call(method, path, body, headers)
        assert status < 300, f"{method} {path}: {status} {answer}"
        return answer


def of_demo(path, number):
    with open(path, encoding="utf-8") as file:
        demo = json.load(file)
    client = demo["clients"][number]
    return Api(demo["base_url"], client["client_id"], client["client_secret"]), client
