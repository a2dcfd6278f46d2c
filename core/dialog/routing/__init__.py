"""Which way a message goes: intent, confidence, scope, and what to do when unsure.

    router = Router(assistant)                       # trains on the file's examples; deterministic
    decision = router.decide(text, conversation)     # intent | clarify | out_of_scope, with a `why`
    part = clarification(decision, assistant)        # the question to ask back
    earlier = said_before(text, conversation)        # what to search for it with

`features` turns a text into n-grams, `regression` learns (`lbfgs` finds the minimum), `views` are what can be seen of a text,
its words and its meaning, and `classifier` puts them together with calibration and scope. `labelled` reads messages people have
given an intent, `carry` knows when a message leans on what was said before, `router` decides. docs/routing.md tells the
owner's side.
"""

from core.dialog.routing.carry import said_before, said_earlier
from core.dialog.routing.router import Decision, Router, clarification, texts_of

__all__ = ["Decision", "Router", "clarification", "said_before", "said_earlier", "texts_of"]
