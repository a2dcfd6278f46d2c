"""The seeded simulation: Turnout's own classes as several processes in one event loop, under every fault a seed can draw.

    python -m tests.simulation 4711 --trace                          one seed, step by step
    python -m tests.simulation --seeds 20000 --from 0 --processes 2  many, until one fails (`--all`: go on)
    python -m tests.simulation 4711 --without store,kill             does it still fail without these faults?
    python -m tests.simulation --careless unfenced                   what the simulation sees when a protection is missing

`core.lanes.Lanes` with the dialog behind it (IN → LOG, one to three processes) and `bots.kit.service.host` with its admission,
delivery and previews (LOG → SENT, two replicas a channel) run unchanged on the in-memory twins of bus, leases and memory. They
reach them through a simulated network, so a reply may be late or lost when the work is done. Time is virtual.

    plan       what a seed draws: people, faults, how fast everything is
    loop       virtual time, and processes that can be killed and frozen
    net, wires requests and replies; the twins behind them
    platforms  three kinds of chat platform, and the channel to each
    model      the scripted model
    world      all of it together
    checks     what must hold of the streams at every moment
    settled    what must hold once it has settled, beside the oracle of `tests.reliability`
    run        one seed

*Why delays and not a scheduler that permutes callbacks?* Within one process asyncio promises an order, and its locks, queues and
our code may rely on it; permuted, it would show what cannot happen. Between processes only the network decides who is first,
so drawing each delay from the seed reaches every interleaving that can happen, and no other.

*The same seed is the same run, to the byte.* One random generator, virtual clocks also for `time.time`, tokens drawn from the seed,
tasks hashed by number instead of address (sets of them have an order), no garbage collection while a world lives (it would
end forgotten generators at any moment).

What it forgives: on a platform that cannot be asked, a send of unknown fate is repeated once, marked, and given up when that is cut
off too. The person may then miss a message; such answers are counted as excused, and only where the first send was really made.
"""
