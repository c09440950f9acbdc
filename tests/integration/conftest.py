from tests.servers import document_store, mongo_uri

__all__ = ["document_store", "mongo_uri"]
