"""A local server for Microsoft's authority and Graph: tokens, paths, searches, batches."""

from __future__ import annotations

import base64
import itertools
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from shop.office.graph.examination import PERMISSIONS
from tests.contract.directory import Directory, GraphError, Object
from tests.contract.serving import Call, FaultPlan, Reply, serving

TENANT, CLIENT_ID, CLIENT_SECRET = "tenant-of-the-reseller", "shop", "secret-of-the-shop"
VERSION = "/v1.0"


class GraphServer:
    """Serves a `Directory` to callers with a token."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.url = ""
        self.tokens: set[str] = set()
        self.tokens_given = 0
        self.permissions = {*PERMISSIONS, "AuditLog.Read.All"}
        self._count = itertools.count(1)

    def answer(self, call: Call) -> Reply:
        if call.path.startswith(f"/{TENANT}/"):
            return self._authority(call)
        if call.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Reply(401, {"error": {"code": "InvalidAuthenticationToken", "message": "No."}})
        return self._do(call)

    # --- The authority ---------------------------------------------------------------------

    def _authority(self, call: Call) -> Reply:
        if call.path.endswith("/.well-known/openid-configuration"):
            base = f"{self.url}/{TENANT}/oauth2/v2.0"
            return Reply(200, {
                "issuer": f"{self.url}/{TENANT}/v2.0",
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
            })  # fmt: skip
        asked = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            error = {"error": "invalid_client", "error_description": "AADSTS7000215"}
            return Reply(401, error)
        if asked.get("scope") != f"{self.url}/.default":
            return Reply(400, {"error": "invalid_scope", "error_description": "AADSTS70011"})
        claims = json.dumps({"roles": sorted(self.permissions)}).encode()
        payload = base64.urlsafe_b64encode(claims).decode().rstrip("=")
        token = f"header.{payload}.signature-{next(self._count)}"
        self.tokens.add(token)
        self.tokens_given += 1
        return Reply(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    # --- Graph -----------------------------------------------------------------------------

    def _do(self, call: Call) -> Reply:
        try:
            status, body = self._route(call, call.path.removeprefix(f"{VERSION}/").split("/"))
        except GraphError as refusal:
            return Reply(refusal.status, {"error": refusal.error})
        return Reply(status, json.loads(json.dumps(body)))

    def _route(self, call: Call, parts: list[str]) -> tuple[int, Any]:
        directory = self.directory
        match call.method, parts:
            case "POST", ["$batch"]:
                return 200, {"responses": list(self._batch(call))}
            case "GET", ["subscribedSkus"]:
                return 200, {"value": directory.skus()}
            case "POST", ["domains"]:
                return 201, directory.add_domain(call.json["id"])
            case "GET", ["domains", name]:
                return 200, directory.domain(name)
            case "GET", ["groups"]:
                return 200, self._search(directory.groups, call)
            case "GET", [path] if path.startswith("groups("):
                return 200, directory.group(path[len("groups(") : -1])
            case "PATCH", [path] if path.startswith("groups("):
                name = path[len("groups(uniqueName='") : -2]
                create = call.headers.get("prefer") == "create-if-missing"
                made = directory.upsert_group(name, call.json, create)
                return (204, None) if made is None else (201, made)
            case "PATCH", ["groups", key]:
                name = directory.group(key)["uniqueName"]
                directory.upsert_group(name, call.json, create=False)
                return 204, None
            case "GET", ["groups", key, "members", "$count"]:
                _needs_eventual(call)
                return 200, len(directory.members[directory.group(key)["id"]])
            case "GET", ["groups", key, "members"]:
                members = directory.members[directory.group(key)["id"]]
                return 200, self._page([{"id": member} for member in members], call)
            case "POST", ["groups", key, "members", "$ref"]:
                reference = call.json["@odata.id"]
                prefix = f"{self.url}{VERSION}/directoryObjects/"
                if not reference.startswith(prefix):
                    raise GraphError(400, "Invalid URL format specified for '@odata.id'.")
                directory.add_member(key, reference.removeprefix(prefix))
                return 204, None
        return self._route_users(call, parts)

    def _route_users(self, call: Call, parts: list[str]) -> tuple[int, Any]:
        directory = self.directory
        match call.method, parts:
            case "GET", ["users"]:
                self._check_activity("", call)
                return 200, self._search(directory.users, call)
            case "GET", ["directory", "deletedItems", "microsoft.graph.user"]:
                return 200, self._search(directory.deleted, call)
            case "POST", ["users"]:
                return 201, _public(directory.add_user(call.json))
            case "GET", ["users", key]:
                self._check_activity(key, call)
                return 200, _selected(directory.user(key), call)
            case "PATCH", ["users", key]:
                directory.change_user(key, call.json)
                return 204, None
            case "DELETE", ["users", key]:
                directory.delete_user(key)
                return 204, None
            case "POST", ["users", key, "assignLicense"]:
                return 200, _public(directory.assign(key, call.json))
        raise GraphError(404, f"Resource not found for {call.path}.", "BadRequest")

    def _check_activity(self, key: str, call: Call) -> None:
        """Refuse the activity of users as Graph does: without permission, licence or id."""
        if "signInActivity" not in call.query.get("$select", ""):
            return
        if "AuditLog.Read.All" not in self.permissions:
            raise GraphError(403, "Insufficient privileges.", "Authorization_RequestDenied")
        if not self.directory.is_premium:
            raise GraphError(
                403,
                "Neither tenant is B2C or tenant doesn't have premium license",
                "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            )
        if "@" in key:
            raise GraphError(400, "Get By Key only supports UserId and the key has to be a GUID.")

    def _batch(self, call: Call) -> Iterator[Object]:
        requests = call.json["requests"]
        if len(requests) > 20 or len({one["id"] for one in requests}) != len(requests):
            raise GraphError(400, "Number of batch request steps exceeds the maximum value.")
        # Graph may return the responses of a batch in any order.
        for one in reversed(requests):
            address = urlsplit(one["url"])
            headers = {name.lower(): value for name, value in one.get("headers", {}).items()}
            if one.get("body") is not None and "content-type" not in headers:
                raise GraphError(400, "Write request must contain Content-Type header.")
            inner = Call(
                one["method"],
                VERSION + unquote(address.path),
                dict(parse_qsl(address.query, keep_blank_values=True)),
                headers,
                json.dumps(one["body"]).encode() if one.get("body") is not None else b"",
            )
            reply = self._do(inner)
            yield {"id": one["id"], "status": reply.status, "body": reply.body, "headers": {}}

    def _page(self, rows: list[Object], call: Call) -> Object:
        start = int(call.query.get("$skiptoken", "0"))
        end = start + min(int(call.query.get("$top", "100")), self.directory.page)
        answer: Object = {"value": rows[start:end]}
        if end < len(rows):
            answer["@odata.nextLink"] = f"{self.url}{call.path}?$skiptoken={end}"
        return answer

    def _search(self, objects: dict[str, Object], call: Call) -> Object:
        wanted = _filter(call)
        found = [] if self.directory.index_lags else [o for o in objects.values() if wanted(o)]
        return {"value": [_selected(one, call) for one in found]}


def _filter(call: Call) -> Any:
    """Parse the filters that this directory supports; others fail as they do at Graph."""
    asked = call.query.get("$filter", "")
    if not asked:
        return lambda _: True
    if starts := re.fullmatch(r"startswith\(description,'([^']+)'\)", asked):
        return lambda o: str(o["description"]).startswith(starts[1])
    by_id = r"employeeId eq '([^']+)'"
    attribute = r"onPremisesExtensionAttributes/extensionAttribute1 eq '([^']+)'"
    if newest := re.fullmatch(by_id, asked):
        return lambda o: o["employeeId"] == newest[1]
    if both := re.fullmatch(f"{by_id} or {attribute}", asked):
        _needs_eventual(call)
        if call.query.get("$count") != "true":
            raise GraphError(400, "$count is required.", "Request_UnsupportedQuery")
        return lambda o: (
            o["employeeId"] == both[1]
            or o["onPremisesExtensionAttributes"].get("extensionAttribute1") == both[2]
        )
    raise GraphError(400, f"Unsupported filter: {asked}", "Request_UnsupportedQuery")


def _needs_eventual(call: Call) -> None:
    if call.headers.get("consistencylevel") != "eventual":
        raise GraphError(400, "ConsistencyLevel is required.", "Request_UnsupportedQuery")


def _public(made: Object) -> Object:
    return {name: value for name, value in made.items() if name != "passwordProfile"}


def _selected(made: Object, call: Call) -> Object:
    """Return the selected properties, or those that Graph returns by default."""
    fields = call.query.get("$select", "id,displayName,userPrincipalName").split(",")
    return {name: made[name] for name in fields if name in made}


@contextmanager
def graph_serving(context: ssl.SSLContext) -> Iterator[tuple[GraphServer, FaultPlan]]:
    """Serve an empty directory."""
    server = GraphServer(Directory())
    with serving(server.answer, context) as faults:
        server.url = faults.url
        yield server, faults
