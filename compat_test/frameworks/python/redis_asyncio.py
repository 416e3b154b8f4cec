"""redis.asyncio, and what only a current redis-py has: RESP3, commands of Redis 7. The server is killed
while connections are pooled, a reader is blocked and a channel is listened to."""
import asyncio
import time

import redis
import redis.asyncio
from redis.cache import CacheConfig

from transcript import HOST, PORT, again, kill_the_server, raised, say

r = redis.asyncio.Redis(host=HOST, port=PORT, decode_responses=True)


async def outcome(awaitable):
    try:
        return f"returned {await awaitable!r}"
    except Exception as e:
        return f"{type(e).__name__}: {e}"


async def eventually(call, what):
    """What call() gives, once it gives something and no lost connection is in its way."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        try:
            got = await call()
            if got:
                return got
        except (ConnectionError, redis.ConnectionError, redis.TimeoutError):
            pass
        await asyncio.sleep(0.02)
    raise SystemExit(f"gave up waiting until {what}")


async def commands():
    say("many at once", sorted(await asyncio.gather(*(r.incr("n") for _ in range(50))))[-3:])
    async with r.pipeline(transaction=True) as p:
        say("transaction", await p.set("a", 1).incr("a").hset("h", mapping={"f": "v"}).hgetall("h").execute())
        await p.watch("a")
        await r.set("a", 10)
        p.multi()
        p.incr("a")
        say("watched, touched", await outcome(p.execute()))

    counted = {"count": 0}

    async def count():
        for _ in range(10):
            async with r.lock("lock", timeout=10, sleep=0.001):
                n = counted["count"]
                await r.ping()
                counted["count"] = n + 1

    await asyncio.gather(*(count() for _ in range(5)))
    say("five tasks count under a lock", counted["count"])
    waiting = asyncio.create_task(r.blpop(["q1", "q2"], timeout=30))
    await eventually(lambda: r.client_list(), "there are clients")
    await r.rpush("q2", "job")
    say("blocked reader", await waiting)
    say("time-out", await r.blmpop(0.05, 1, "q1", direction="LEFT"))
    script = r.register_script("return {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1])}")
    say("script", await script(keys=["n"], args=[7]))
    await r.function_load("#!lua name=own\nredis.register_function('twice', function(k, a) return a[1] * 2 end)", replace=True)
    say("function", await r.fcall("twice", 0, 21))
    say("scan", sorted([k async for k in r.scan_iter(match="*", count=2)]))
    for i in range(5):
        await r.xadd("s", {"i": i}, id=f"{i + 1}-0")
    await r.xgroup_create("s", "g", "0")
    say("group", await r.xreadgroup("g", "me", {"s": ">"}, count=2))
    say("groups", await r.xinfo_groups("s"))
    say("an error", await outcome(r.lpush("h", 1)))
    say("the lock is gone", await r.get("lock"))


async def killed():
    pubsub = r.pubsub()
    await pubsub.subscribe("news")
    await pubsub.psubscribe("ne*")
    say("subscribed", [(await pubsub.get_message(timeout=10))["type"] for _ in range(2)])
    blocked = asyncio.create_task(outcome(redis.asyncio.Redis(host=HOST, port=PORT, retry=None).blpop(["empty"], timeout=60)))
    await eventually(lambda: r.execute_command("CLIENT", "LIST", "TYPE", "NORMAL"), "there are clients")
    say("kept before", await r.get("n"), await r.xpending("s", "g"))
    await asyncio.to_thread(kill_the_server)
    say("the blocked reader heard an error", "Error" in await blocked)
    say("kept", await eventually(lambda: r.get("n"), "the server answers"), await r.hgetall("h"), await r.xpending("s", "g"))
    say("scripts are gone, functions are not", await outcome(r.evalsha("0" * 40, 0)), await r.fcall("twice", 0, 4))
    say("script again", await r.register_script("return {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1])}")(keys=["n"], args=[7]))

    async def heard():
        await r.publish("news", "after the kill")
        message = await pubsub.get_message(timeout=0.1)
        return message and message["type"] == "message" and message["data"]

    say("subscribed again by itself", await eventually(heard, "the message is heard"))
    say("read on", await r.xreadgroup("g", "me", {"s": ">"}, count=1), await r.xautoclaim("s", "g", "you", 0, count=1))
    await pubsub.aclose()


def resp3():
    """Client-side caching is refused by redis-py for servers below 7.4, as redis-server 7.0 and Diskette say that they are."""
    c = redis.Redis(HOST, PORT, protocol=3, decode_responses=True)
    say("RESP3", c.hgetall("h"), c.zadd("z", {"m": 1.5}), c.zrange("z", 0, -1, withscores=True), c.config_get("databases"))
    say("caching", raised(redis.Redis(HOST, PORT, protocol=3, cache_config=CacheConfig()).get, "c"))
    with c.pipeline() as p:
        say("transaction", p.hgetall("h").smembers("none").zscore("z", "m").xlen("s").execute())
    kill_the_server()
    say("after the kill", again(c.zscore, "z", "m"))


async def main():
    for part in (commands, killed):
        say(f"-- {part.__name__}")
        await part()
    await r.aclose()
    say("-- resp3")
    await asyncio.to_thread(resp3)


asyncio.run(main())
