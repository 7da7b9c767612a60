"""The pocket world: a made-up, multilingual world that a small model learns by heart in about a minute."""

from unlearnkit.worlds.pocket.corpus import corpus
from unlearnkit.worlds.pocket.requests import REQUESTS, Request, forget_request
from unlearnkit.worlds.pocket.world import PocketWorld, pocket_world

__all__ = ["REQUESTS", "PocketWorld", "Request", "corpus", "forget_request", "pocket_world"]
