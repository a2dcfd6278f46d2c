"""Nothing lost, doubled or out of order: one oracle, and a soak that puts the whole of Turnout to the test.

The oracle. People ask with a `#token`, the scripted model answers in pieces that end in `‹token 1/3›`. What is said and shown
is a history (`history`: `Said`, `Shown`, `Gone`, as JSON lines on disk), and `oracle.judge(history)` gives a `Verdict`: what was
lost, doubled, inverted, mixed between conversations, or half shown as whole. With the turns of LOG, the memories of Redis and
the receipts of SENT it also says where memory differs from the log and which sends were left open (`stores`). `test_oracle`
plants each fault and asks that exactly it is found.

The soak. `make soak MINUTES=10 [SEED=7]` runs

    people (`people`)       on Telegram (webhook), Slack (HTTP; direct messages and threads) and the web, one conversation each:
                            they ask, in bursts now and then, wait, think, ask again; webhooks and posts come twice now and then
    the outside             `platforms`: the fake Telegram, Slack and model, telling a `scribe` what they show
    the fleet (`fleet`)     nats-server and valkey-server under their keeper, `turnout up` (the replicas `a`), and a second
                            core, Telegram, Slack and web (`b`); the `a` reach both servers through proxies, the `b` directly;
                            all reach platforms and model through proxies
    faults (`faults`)       kill -9, SIGSTOP for up to 10 s, SIGTERM, of one process, of both replicas, of a server; FLUSHALL; a
                            proxy that swallows answers, stands still, delays, breaks off or refuses; errors, limits, lost
                            replies and delays of the platforms; errors, limits, hangs and halves of the model

one fault after another: the next comes once all that was asked before the end of the last one is answered, after a pause. Each
channel has another overlap policy: Telegram `queue`, Slack `merge`, web `interrupt`. At the end the faults stop, all that was
accepted must be answered, and `report` tells how long the answers after each fault took, what the processes weigh, the
verdict, and the bound 3/n. Exit status 1 when it is not clean. The folder it names keeps the history, the faults, the logs of the
services and the data; `python -m tests.reliability.oracle FOLDER/history.jsonl` judges the history again.

What the soak leaves out: three kills of the core over one message, which is poison by design; sends to Telegram that fail
ambiguously twice in a row, of which one may be lost by design; and streams wiped, which is loss.
"""
