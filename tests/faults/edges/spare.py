"""A track that asks no model, for routes whose model has failed."""

from langchain_core.runnables import RunnableLambda

from tests.faults.edges.town import pieces

chain = RunnableLambda(lambda given: f"The spare track says:\n\n{pieces(given['question'])}")
