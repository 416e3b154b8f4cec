"""Channels' two Redis layers: channels, groups, capacity, two layers that talk; the server killed."""
import asyncio

from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from transcript import URL, kill_the_server, say

HOSTS = [URL + "/1"]


async def outcome(awaitable):
    try:
        return f"returned {await awaitable!r}"
    except Exception as e:
        return f"{type(e).__name__}: {e}"


async def until_heard(send, receive):
    """What is received once sending reaches the receiver: after a kill a layer has to subscribe again, and a message may be lost."""
    waiting = asyncio.create_task(receive())
    for _ in range(400):
        try:
            await send()
        except Exception as e:
            if "onnect" not in f"{type(e).__name__}: {e}":
                raise
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        if done:
            return waiting.result()
    raise SystemExit("nothing was heard")


async def queues():
    layer, other = RedisChannelLayer(hosts=HOSTS, capacity=3, prefix="q"), RedisChannelLayer(hosts=HOSTS, capacity=3, prefix="q")
    await layer.send("work", {"type": "do", "n": 1, "text": "é"})
    say("received", await other.receive("work"))
    waiting = asyncio.create_task(other.receive("work"))
    await layer.send("work", {"type": "do", "n": 2})
    say("waited for", await waiting)
    mine, theirs = await layer.new_channel(), await other.new_channel("own")
    say("own channels", mine.split(".")[0], theirs.split(".")[0])
    await layer.send(theirs, {"type": "to you"})
    await other.send(mine, {"type": "to me"})
    say("received", await layer.receive(mine), await other.receive(theirs))
    say("full", [await outcome(layer.send("full", {"n": i})) for i in range(5)])
    for name in (mine, theirs, "third!x"):
        await layer.group_add("room", name)
    await other.group_send("room", {"type": "to all"})
    say("group", await layer.receive(mine), await other.receive(theirs))
    await layer.group_discard("room", theirs)
    await other.group_send("room", {"type": "to the rest"})
    say("group, one left", await layer.receive(mine))
    await layer.send("kept", {"n": 1})
    # A message that was received is taken out of the key for those in flight later on, by a task of its own; killed before
    # that, it comes twice, with every server.
    await layer.wait_received()
    await other.wait_received()
    await asyncio.to_thread(kill_the_server)
    say("kept over a kill", await retried(lambda: other.receive("kept")))
    await retried(lambda: other.group_send("room", {"type": "after"}))
    say("the group too", await retried(lambda: layer.receive(mine)))
    await layer.flush()
    await other.group_send("room", {"type": "nobody"})
    say("flushed", await connection_keys(layer))
    await layer.close_pools()
    await other.close_pools()


async def retried(call):
    for _ in range(400):
        try:
            return await call()
        except Exception as e:
            if "onnect" not in f"{type(e).__name__}: {e}":
                raise
            await asyncio.sleep(0.05)
    raise SystemExit("the server does not come back")


async def connection_keys(layer):
    return sorted(await layer.connection(0).keys("q*"))


async def messages():
    layer, other = RedisPubSubChannelLayer(hosts=HOSTS, prefix="p"), RedisPubSubChannelLayer(hosts=HOSTS, prefix="p")
    mine, theirs = await layer.new_channel(), await other.new_channel()
    await layer.group_add("room", mine)
    await other.group_add("room", theirs)
    await layer.group_send("room", {"type": "to all", "n": 1})
    say("group", await layer.receive(mine), await other.receive(theirs))
    await other.send(mine, {"type": "to you"})
    say("one", await layer.receive(mine))
    await other.group_discard("room", theirs)
    await layer.group_send("room", {"type": "to the rest"})
    say("one left", await layer.receive(mine))
    await other.group_add("room", theirs)
    await asyncio.to_thread(kill_the_server)
    heard = await asyncio.gather(until_heard(lambda: other.group_send("room", {"type": "after"}), lambda: layer.receive(mine)),
                                 until_heard(lambda: layer.group_send("room", {"type": "after"}), lambda: other.receive(theirs)))
    say("after a kill", heard)
    await layer.flush()
    await other.flush()


async def main():
    for part in (queues, messages):
        say(f"-- {part.__name__}")
        await part()


asyncio.run(main())
