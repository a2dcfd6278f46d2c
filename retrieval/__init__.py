"""Retrieval: documents in, the right passages out. One service, `turnout serve retrieval`, owns the index and answers requests.

A document's way in: `sources` finds files and whose they are, `kinds` has what the other kinds of source offer (pages by
`fetching` through the door of `addresses`; repositories, exports, loaders) · `job` compares it with the index and the `ledger`
and takes what changed · `parsing` hands each to the process of `worker`, where `readers` make it text and `splitting` cuts
passages · `storing` hands what was read to the `index`: the `manifest` (SQLite) is the truth, a store of `stores` is what is
searched (the `shard`, Qdrant Edge in this process, or a Qdrant server; `opening` repairs it, `moving` and `relocation` change
it), `embeddings` give passages their vectors in the background. `ingest` runs the jobs on the `shelf`, `following` says when.

A question's way: `scope` says what may be found, `ranking` asks both legs, `words` (BM25, in each document's language) and
meaning (`vectors`), `fusion` joins them, `reranking` may look again, `confidence` says how sure that is. `cells` answers from
the rows that `tables` keeps, `conflicts` tells where sources differ.

`service` wires it and serves `retrieval.search`, `retrieval.document` and `retrieval.prints` (records in `core.knowledge`),
`retrieval.ingest`, `retrieval.progress`, `retrieval.remove`, `retrieval.status` (in `retrieval.records`); `watching` tells of
changed files; `commands` is `turnout ingest`. LangChain plugs in at both ends: any `Embeddings` and any `BaseLoader` by a
dotted path (`embeddings`, `loaders`), and `langchain.TurnoutRetriever` is our knowledge as a `BaseRetriever`. How to use it
stands in docs/knowledge.md.
"""
