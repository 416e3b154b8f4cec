"""LangChain's plain RedisCache (langchain_community): answers of a model kept, sync and async, by prompt and model, over a kill."""
import asyncio

import redis
import redis.asyncio
from langchain_community.cache import AsyncRedisCache, RedisCache
from langchain_core.globals import set_llm_cache
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.outputs import Generation

from transcript import HOST, PORT, again, kill_the_server, say

r = redis.Redis(HOST, PORT)
set_llm_cache(RedisCache(r, ttl=100))


def models():
    llm, chat = FakeListLLM(responses=["one", "two", "three"]), FakeListChatModel(responses=["hello", "again"])
    say("the first answer stays", llm.invoke("question"), llm.invoke("question"), llm.invoke("another"), llm.invoke("question"))
    say("of a chat too", chat.invoke("hi").content, chat.invoke("hi").content, chat.invoke("ho").content)
    say("kept as", sorted((r.type(k), 0 < r.ttl(k) <= 100) for k in r.keys("*")))
    kill_the_server()
    say("after a kill", again(llm.invoke, "question"), again(chat.invoke, "hi").content, r.dbsize())


def by_hand():
    cache = RedisCache(r)
    cache.update("p", "model", [Generation(text="a"), Generation(text="b", generation_info={"n": 1})])
    # A hash as big as this has no order, with either server, and LangChain asks for none.
    say("several", sorted(g.text for g in cache.lookup("p", "model")), cache.lookup("p", "another model"))

    async def asynchronous():
        client = redis.asyncio.Redis(host=HOST, port=PORT)
        cache = AsyncRedisCache(client)
        await cache.aupdate("q", "model", [Generation(text="async")])
        got = await cache.alookup("q", "model")
        await client.aclose()
        return got

    say("async", asyncio.run(asynchronous()))
    cache.clear()
    say("cleared", r.dbsize())


for part in (models, by_hand):
    say(f"-- {part.__name__}")
    part()
