"""Ports for the servers of tests: each is given out once, and none from which the system takes those of outgoing connections.

A port that the system calls free may be another's before it is bound; these are nobody's but ours.
"""

import itertools
import os
import socket

FIRST, LAST = 20_000, 32_000
_NEXT = itertools.count(os.getpid() * 101)


def free_port() -> int:
    while True:
        port = FIRST + next(_NEXT) % (LAST - FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
