"""aiocache on Redis: single and many keys, times to live, counters, the decorators, the lock against a stampede, the server killed."""
import asyncio

from aiocache import Cache, cached, multi_cached
from aiocache.lock import OptimisticLock, OptimisticLockError, RedLock
from aiocache.serializers import JsonSerializer, PickleSerializer, StringSerializer
from transcript import HOST, PORT, kill_the_server, say

cache = Cache(Cache.REDIS, endpoint=HOST, port=PORT, namespace="site", serializer=PickleSerializer())
numbers = Cache(Cache.REDIS, endpoint=HOST, port=PORT, db=1, serializer=StringSerializer())
calls = []


async def outcome(awaitable):
    try:
        return f"returned {await awaitable!r}"
    except Exception as e:
        return f"{type(e).__name__}: {e}"


async def eventually(call):
    for _ in range(400):
        try:
            return await call()
        except Exception as e:
            if "onnect" not in f"{type(e).__name__}: {e}":
                raise
            await asyncio.sleep(0.05)
    raise SystemExit("the server does not come back")


async def the_cache():
    say("set and get", await cache.set("k", {"a": (1, None)}), await cache.get("k"), await cache.get("none", default="default"))
    say("add", await cache.add("new", 1), await outcome(cache.add("new", 2)))
    say("many", await cache.multi_set([("m1", 1), ("m2", [2])], ttl=100), await cache.multi_get(["m1", "none", "m2"]))
    say("exists and delete", await cache.exists("k"), await cache.delete("k"), await cache.delete("k"), await cache.exists("k"))
    say("increments", await numbers.increment("n"), await numbers.increment("n", delta=10), await numbers.set("t", "text"),
        await outcome(numbers.increment("t")))
    say("times to live", await cache.set("t", 1, ttl=100), await cache.raw("ttl", "site:t"), await cache.expire("t", 0),
        await cache.raw("ttl", "site:t"), await cache.set("ms", 1, ttl=0.5), await cache.expire("none", 5))
    say("raw", await numbers.raw("get", "n"), sorted(await cache.raw("keys", "*")))


@cached(ttl=100, cache=Cache.REDIS, endpoint=HOST, port=PORT, key_builder=lambda f, a: f"slow:{a}", serializer=JsonSerializer())
async def slow(a):
    calls.append(a)
    return {"a": a}


@multi_cached("ids", ttl=100, cache=Cache.REDIS, endpoint=HOST, port=PORT, serializer=JsonSerializer())
async def rows(ids):
    calls.append(list(ids))
    return {i: i.upper() for i in ids}


async def decorators():
    say("cached", await slow(1), await slow(1), calls)
    say("many cached", await rows(ids=["a", "b"]), await rows(ids=["b", "c"]), calls[1:])


async def locks():
    done = []

    async def work(name):
        async with RedLock(cache, "expensive", lease=30):
            if await cache.get("expensive") is None:
                done.append(name)
                await cache.set("expensive", "made")
            return await cache.get("expensive")

    say("one of many made it", await asyncio.gather(*(work(i) for i in range(10))), len(done))

    async def late():
        async with OptimisticLock(numbers, "k") as lock:
            await numbers.set("k", "meanwhile")
            await lock.cas("mine")

    await cache.set("k", "kept")
    await numbers.set("k", "first")
    try:
        await late()
    except OptimisticLockError as e:
        say("touched meanwhile", type(e).__name__, await numbers.get("k"))
    async with OptimisticLock(numbers, "k") as lock:
        say("untouched", await lock.cas("mine"), await numbers.get("k"))


async def killed():
    await asyncio.to_thread(kill_the_server)
    say("kept", await eventually(lambda: cache.get("k")), await eventually(lambda: cache.multi_get(["m1", "m2"])),
        await eventually(lambda: numbers.increment("n")))
    calls.clear()
    say("still cached", await eventually(lambda: slow(1)), await eventually(lambda: rows(ids=["a", "b", "c", "d"])), calls)
    say("clear", await cache.clear(namespace="site"), sorted(await cache.raw("keys", "*")))


async def main():
    for part in (the_cache, decorators, locks, killed):
        say(f"-- {part.__name__}")
        await part()
    await cache.close()
    await numbers.close()


asyncio.run(main())
