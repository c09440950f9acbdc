"""The composition root: the one place that reads Settings and builds adapters and use cases.

    with Platform(load_settings()) as platform:
        platform.document_store.counts()

Each collaborator is built when it is first asked for, once, and given back when the block ends. The
platform is put together of parts, each of which may use those before it: resources, stores, models,
crawls, features, answers, observing.
"""

from llm_engineering.bootstrap.features import make_featurizer
from llm_engineering.bootstrap.platform import Platform
from llm_engineering.bootstrap.resources import now

__all__ = ["Platform", "make_featurizer", "now"]
