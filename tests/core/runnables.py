"""Runnables that an assistant file of the tests names by dotted path."""

import asyncio

from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableGenerator, RunnableLambda

from core.knowledge import Tags

NUMBER = 7
MANUAL = Document(page_content="Bikes come back. Sometimes.", metadata={"source": "manual.md"})


SECRET = "The Path 2 will cost 699 euros."
TAGGED = Document(page_content=SECRET, metadata={"source": "plan.md", "tags": Tags(audience=("staff",))})
NAMED = Document(page_content=SECRET, metadata={"source": "plan.md", "audience": "staff"})
CLOSED = Document(page_content=SECRET, metadata={"source": "plan.md", "origin": "minutes"})


async def _wait(given):
    await asyncio.Event().wait()


def _fail(given):
    raise ValueError("broken")


async def _words(inputs):
    async for given in inputs:
        for word in ("You asked: ", given["question"], " !"):
            yield word


def _see(given):
    said = " ".join(f"{message.type}:{message.content}" for message in given["messages"])
    sources = " ".join(document.metadata["source"] for document in given["passages"])
    return f"{said} {given['persona']} {sources} [2]"


text = RunnableLambda(lambda given: f"You asked: {given['question']}")
message = RunnableLambda(lambda given: AIMessage(f"You asked: {given['question']}"))
dictionary = RunnableLambda(lambda given: {"answer": f"You asked: {given['question']}", "context": [MANUAL]})
streamed = RunnableGenerator(_words)
seeing = RunnableLambda(_see)
failing = RunnableLambda(_fail)
inventing = RunnableLambda(lambda given: "You get 1,234 euros [1].")
silent = RunnableLambda(lambda given: {"other": 1})
tagged, named, closed = (
    RunnableLambda(lambda given, one=one: {"context": [MANUAL, one], "answer": SECRET}) for one in (TAGGED, NAMED, CLOSED)
)
asking = RunnableLambda(lambda given: f"for {given['audiences']}")
hanging = RunnableLambda(_wait)
