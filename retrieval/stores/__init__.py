"""Stores: where an index keeps its passages. `contract` says what one promises; `retrieval.shard` is that in this process."""
