"""The graph: by it the engine comes near a question's vector without a look at all of them. A shard gets one while it is
closed, for what it holds then; what is written later is looked at one by one.

`python -m retrieval.graph FOLDER` draws it, in a process of its own: the library holds Python's global lock all the while.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import qdrant_edge as q

from retrieval.parsing import environment

STORED = q.VectorStorageDatatype.Turbo8
"""Eight bits a number: a fifth of the time to look through them, and cosines that are wrong by some thousandths."""

NEIGHBOURS, CANDIDATES = 16, 100
NEAR = q.SearchParams(hnsw_ef=300)
"""How many candidates a search keeps: with 300, half of all filtered away, .99 of the nearest ten are found."""

LEAST = 10
"""Nice: whoever searches meanwhile goes first."""


def drawing(folder: Path) -> "subprocess.Popen[bytes]":
    """The process that draws; by subprocess, because a fork hangs while numpy computes."""
    command, quiet = [sys.executable, "-m", "retrieval.graph", str(folder)], subprocess.DEVNULL
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment())


def draw(folder: Path) -> None:
    """Everything in one segment, with a graph of each kind of vector. Raises what the library does."""
    named = json.loads((folder / "edge_config.json").read_text("utf-8"))
    shape = q.HnswIndexConfig(NEIGHBOURS, CANDIDATES, full_scan_threshold=1, max_indexing_threads=1)
    dense = {
        name: q.EdgeVectorParams(kind["size"], q.Distance.Cosine, datatype=STORED) for name, kind in named["vectors"].items()
    }
    sparse = {name: q.EdgeSparseVectorParams(modifier=q.Modifier.Idf) for name in named["sparse_vectors"]}
    whole = q.EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=1, max_segment_size=1 << 40)
    shard = q.EdgeShard.load(str(folder), q.EdgeConfig(dense, sparse, hnsw_config=shape, optimizers=whole))
    shard.optimize()
    shard.flush()
    shard.close()


if __name__ == "__main__":
    os.nice(LEAST)
    draw(Path(sys.argv[1]))
