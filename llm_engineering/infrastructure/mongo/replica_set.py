"""Makes a lone mongod a replica set of one, which is what transactions and majority writes need."""

from typing import Any

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.infrastructure.mongo.address import Address

_Record = dict[str, Any]
_NAME = "rs0"
_FIND_MS = 1000
_ANSWER_MS = 10_000  # initiating takes its time on a busy machine
_ALREADY_INITIALIZED = 23


def make_writable(address: Address) -> bool:
    """Returns whether the server at `address` is a primary, and does what it needs to become one.

    A new data folder is initiated. One whose server last listened elsewhere (the folder was moved)
    is told its new address by force. The election takes a moment then: ask again.
    """
    try:
        with _client(address) as client:
            if client.admin.command("hello").get("isWritablePrimary"):
                return True
            _configure(client, address)
    except PyMongoError:  # it is starting, stepping up or going down
        return False
    return False


def _configure(client: MongoClient[_Record], address: Address) -> None:
    member = {"_id": 0, "host": address.host}
    config = client.local["system.replset"].find_one()
    if config is None:
        _initiate(client, {"_id": _NAME, "members": [member]})
    elif [one["host"] for one in config["members"]] != [address.host]:
        changed = {**config, "members": [member], "version": config["version"] + 1}
        client.admin.command("replSetReconfig", changed, force=True)


def _initiate(client: MongoClient[_Record], config: _Record) -> None:
    try:
        client.admin.command("replSetInitiate", config)
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:
            raise


def shut_down(address: Address) -> None:
    """Tells a server that has lost its keeper to end."""
    try:
        with _client(address) as client:
            client.admin.command("shutdown", force=True)
    except AutoReconnect:  # it hangs up instead of answering
        return
    except PyMongoError as error:
        raise StoreUnavailable(f"embedded MongoDB at {address.host}: does not end") from error


def _client(address: Address) -> MongoClient[_Record]:
    return MongoClient(address.uri, serverSelectionTimeoutMS=_FIND_MS, socketTimeoutMS=_ANSWER_MS)
