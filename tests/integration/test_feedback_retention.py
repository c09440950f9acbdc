"""MongoDB deletes answers that nobody judged, and keeps the others."""

from datetime import timedelta
from typing import TYPE_CHECKING

from llm_engineering.application.ports.feedback import FeedbackStore
from tests.contracts.test_feedback_store import GOOD, NOW, served

if TYPE_CHECKING:
    from llm_engineering.infrastructure.mongo.database import MongoDatabase


def test_only_answers_without_feedback_have_an_end(
    feedback_store: FeedbackStore, mongo_database: "MongoDatabase"
) -> None:
    feedback_store.record([served("judged")])
    feedback_store.record([served("unjudged")])
    feedback_store.rate("judged", "ada", GOOD)
    collection = mongo_database.collection("served_answers")
    ends = {one["request_id"]: one.get("expires") for one in collection.find()}
    assert ends["judged"] is None
    assert ends["unjudged"] is not None
    assert timedelta(days=29) < ends["unjudged"] - NOW <= timedelta(days=30)
    index = collection.index_information()["expires_1"]
    assert index["expireAfterSeconds"] == 0
