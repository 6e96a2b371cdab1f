"""Makes accounts, networks, nodes and tasks on a hub, so that calls with data made up at random meet something.

    api_fuzz_world.py <hub> <directory> <world>…   writes <world>.toml, <world>.token and <world>.node-token
    api_fuzz_world.py <hub> <directory> --check    whether the tokens of the first world still work
"""

import json
import sys
import urllib.request
from pathlib import Path

PASSWORD = "correct horse battery"

# Where a call wants other values than its namesakes do.
PARTICULAR = {
    # Nobody has to wait for the end of a task that is over.
    "GET /api/task/{task_id}": {"path.task_id": "over"},
    "GET /api/tasks/{task_id}": {"path.task_id": "over"},
    "DELETE /api/admin/invites/{invite_id}": {"path.invite_id": "hub_invite"},
    "POST /api/auth/login": {"body.username": "username"},
    "POST /api/auth/recover": {"body.username": "guest"},
    "POST /api/auth/session": {"body.username": "username"},
    "POST /api/networks/join": {"body.invite_code": "invite_code"},
    "POST /api/networks/{network_id}/members": {"body.user_id": "friend"},
    "POST /api/node-rename/abort": {"body.txn_id": "txn_to_abort"},
    "POST /api/node-rename/commit": {"body.txn_id": "txn_to_commit"},
}


class Hub:
    def __init__(self, address):
        self.address = address

    def call(self, method, path, token=None, **body):
        request = urllib.request.Request(self.address + path, method=method)
        request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        data = json.dumps(body).encode() if method in ("POST", "PUT") else None
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            return json.load(answer)


def world(hub, name):
    """One person with all that a call may name. Gives both tokens and the values by parameter."""
    made = hub.call("POST", "/api/auth/register", username=name, password=PASSWORD)
    token, network = made["token"], made["network_id"]
    guest = hub.call("POST", "/api/auth/register", username=f"{name}-guest", password=PASSWORD)
    guest_id = guest["user"]["user_id"]
    friend = hub.call("POST", "/api/auth/register", username=f"{name}-friend", password=PASSWORD)
    key = hub.call("POST", "/api/auth/recovery-key", guest["token"], password=PASSWORD)
    club = f"/api/networks/{guest['network_id']}/invite"
    code = hub.call("POST", club, guest["token"], max_uses=-1)["invite_code"]
    me = hub.call("GET", "/api/auth/me", token)
    at = f"/api/networks/{network}"
    # The guest owns a network of the same name, which must not be in the way of a transfer.
    hub.call("PUT", at, token, name="shared")
    hub.call("POST", f"{at}/members", token, user_id=guest_id, role="member")
    login = hub.call("POST", "/api/auth/login", username=name, password=PASSWORD)
    keys = [hub.call("POST", "/api/auth/tokens", token, name=f"key {number}")["token_id"] for number in range(5)]
    invites = [hub.call("POST", f"{at}/invite", token)["invite_id"] for _ in range(5)]
    hub_invites = invites
    if me["user"]["role"] == "admin":
        hub_invites = [hub.call("POST", "/api/admin/invites", token)["invite_id"] for _ in range(5)]

    node = hub.call("POST", "/api/auth/node-token", token, network_id=network, node_name="counter")
    hub.call("POST", "/api/auth/node-token", token, network_id=network, node_name="pen")
    run = {"instance_id": "i_1", "runtime": "command", "hostname": "box", "pid": 1, "project_dir": "/", "version": "1"}
    hub.call("POST", "/api/node/register", node["token"], node_id=node["node_id"], alias="counter", holding=[], **run)
    tasks = [hub.call("POST", "/api/task", token, alias="counter", task="count")["task_id"] for _ in range(20)]
    hub.call("POST", "/api/node/claim", node["token"], instance_id="i_1", max=10)
    for task in tasks[:5]:
        hub.call("POST", f"/api/node/tasks/{task}/ack", node["token"], instance_id="i_1", attempt=1)
    over = [hub.call("POST", "/api/task", token, alias="pen", task="write")["task_id"] for _ in range(2)]
    for task in over:
        hub.call("POST", f"/api/task/{task}/cancel", token)
    renames = []
    for new in ("quill", "brush"):
        names = {"network_id": network, "old_alias": "pen", "new_alias": new}
        renames.append(hub.call("POST", "/api/node-rename/prepare", token, **names)["txn_id"])

    values = {
        "alias": ["counter", "pen", f"{name}-guest"],
        "attempt": [1],
        "friend": [friend["user"]["user_id"]],
        "guest": [f"{name}-guest"],
        "hub_invite": hub_invites,
        "instance_id": ["i_1"],
        "invite_code": [code],
        "invite_id": invites,
        "network_id": [network],
        "new_password": ["a wholly other phrase"],
        "node_id": [node["node_id"]],
        "old_alias": ["counter", "pen"],
        "old_password": [PASSWORD],
        "over": over,
        "parent_task_id": tasks[10:],
        "password": [PASSWORD],
        "recovery_key": [key["recovery_key"]],
        "reference": ["pen", node["node_id"]],
        "task_id": tasks,
        "token_id": [login["token_id"], *keys],
        "txn_to_abort": renames[:1],
        "txn_to_commit": renames[1:],
        "user_id": [guest_id],
        "username": [name],
    }
    return token, node["token"], values


def config(values):
    """Most of the values come from the world, and the rest at random."""
    lines = []
    for name, entries in values.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(entries)}"]
    # A name that is here for one call alone does not stand in others.
    particular = {name for places in PARTICULAR.values() for name in places.values()}
    lines.append("[parameters]")
    for name in sorted(values.keys() - particular):
        in_body = name in ("attempt", "new_password", "old_alias", "old_password", "password", "recovery_key")
        for place in ["body"] if in_body else ["path", "query", "body"]:
            lines.append(f'"{place}.{name}" = {{ dictionary = "{name}", probability = 0.7 }}')
    for route, places in PARTICULAR.items():
        lines += ["[[operations]]", f'include-name = "{route}"', "[operations.parameters]"]
        lines += [f'"{place}" = {{ dictionary = "{name}", probability = 0.7 }}' for place, name in places.items()]
    return "\n".join(lines) + "\n"


def main():
    hub, directory, names = Hub(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    if names == ["--check"]:
        for kind in ("token", "node-token"):
            hub.call("GET", "/api/tasks", (directory / f"main.{kind}").read_text())
        return
    for name in names:
        token, node_token, values = world(hub, name)
        (directory / f"{name}.token").write_text(token)
        (directory / f"{name}.node-token").write_text(node_token)
        (directory / f"{name}.toml").write_text(config(values))


main()
