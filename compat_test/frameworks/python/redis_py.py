"""redis-py: locks, pipelines with WATCH, scripts, publish and subscribe, replies that it parses, the server killed."""
import threading

import redis
from redis.exceptions import WatchError

from transcript import HOST, PORT, again, kill_the_server, near, raised, say, until

r = redis.Redis(HOST, PORT, decode_responses=True)
other = redis.Redis(HOST, PORT, decode_responses=True)


def locks():
    mine, theirs = r.lock("lock", timeout=1000), other.lock("lock", timeout=1000)
    say("acquire", mine.acquire(), mine.locked(), mine.owned(), 900_000 < r.pttl("lock") <= 1_000_000)
    say("another's acquire without waiting", theirs.acquire(blocking=False))
    say("another's acquire with a wait", theirs.acquire(blocking_timeout=0.3))
    say("release by another", raised(theirs.release))
    theirs.local.token = b"guessed"
    say("release with another token", raised(theirs.release))
    say("extend with another token", raised(theirs.extend, 5))
    say("extend", mine.extend(1000), 1_900_000 < r.pttl("lock") <= 2_000_000)
    say("extend to", mine.extend(500, replace_ttl=True), 400_000 < r.pttl("lock") <= 500_000)
    say("reacquire", mine.reacquire(), 900_000 < r.pttl("lock") <= 1_000_000)
    say("release", mine.release(), r.exists("lock"))
    say("release again", raised(mine.release))

    short, waiting = r.lock("lock", timeout=0.3), other.lock("lock", timeout=10, sleep=0.02)
    short.acquire()
    say("acquire when the lock has expired", waiting.acquire(blocking_timeout=5))
    say("release of the expired lock", raised(short.release))
    say("extend of the expired lock", raised(short.extend, 5))
    waiting.release()

    counted = {"count": 0}

    def count():
        for _ in range(50):
            with redis.Redis(HOST, PORT).lock("counter-lock", timeout=10, sleep=0.001):
                n = counted["count"]
                other.ping()
                counted["count"] = n + 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    say("four threads count under a lock", counted["count"])


def pipelines():
    with r.pipeline() as p:
        say("transaction", p.set("a", 1).incr("a").lpush("l", "x", "y").lrange("l", 0, -1).execute())
        say("an error inside", p.set("s", "text").incr("s").get("s").execute(raise_on_error=False)[2])
        say("an error raised", raised(p.set("s", "text").lpush("s", 1).execute))
        say("an error when queued", raised(p.set("s", 1).execute_command("GET").execute))
        p.reset()
        p.watch("a")
        before = int(p.get("a"))
        p.multi()
        p.set("a", before + 1)
        say("watched, untouched", p.execute())
        p.watch("a")
        other.incr("a")
        p.multi()
        p.set("a", 0)
        try:
            p.execute()
        except WatchError as e:
            say("watched, touched", e, r.get("a"))
        p.watch("absent")
        other.set("absent", 1, px=1)
        until(lambda: not other.exists("absent"), "the key has expired")
        p.multi()
        p.set("a", 9)
        say("watched, set and expired", raised(p.execute))

    def double(p):
        n = int(p.get("a"))
        if n == 3:
            other.set("a", 10)
        p.multi()
        p.set("a", n * 2)

    r.set("a", 3)
    say("transaction tried again", r.transaction(double, "a"), r.get("a"))
    with r.pipeline(transaction=False) as p:
        for i in range(1000):
            p.rpush("long", i)
        say("pipeline of 1000", p.execute()[-1], r.llen("long"))


def scripts():
    take = r.register_script("""
        local n = tonumber(redis.call('GET', KEYS[1]) or '0')
        if n < tonumber(ARGV[1]) then return redis.error_reply('EMPTY only ' .. n .. ' left') end
        redis.call('DECRBY', KEYS[1], ARGV[1])
        return {n, ARGV[1], {'nested', true, false, 3.9}}""")
    r.set("stock", 5)
    say("script", take(keys=["stock"], args=[3]))
    say("script's own error", raised(take, keys=["stock"], args=[3]))
    r.script_flush()
    say("script after SCRIPT FLUSH", take(keys=["stock"], args=[1]), r.script_exists(take.sha, "0" * 40))
    say("an unknown sha", raised(r.evalsha, "0" * 40, 0))
    with r.pipeline() as p:
        p.set("stock", 8)
        take(keys=["stock"], args=[2], client=p)
        p.get("stock")
        say("script in a pipeline", p.execute())
    say("an error of a command", raised(r.eval, "redis.call('SET', KEYS[1], 'x') return redis.call('INCR', KEYS[1])", 1, "stock"))
    say("a caught error", r.eval("local e = redis.pcall('INCR', KEYS[1]) return e.err", 1, "stock"))
    say("does not compile", raised(r.eval, "return return", 0))


def messages():
    p = other.pubsub()
    p.subscribe("news")
    p.psubscribe("n*s", "[xyz]")
    got = [p.get_message(timeout=5) for _ in range(3)]
    say("subscribed", [(m["type"], m["channel"], m["data"]) for m in got])
    say("receivers", r.publish("news", "hello"), r.pubsub_numsub("news"), r.pubsub_channels(), r.pubsub_numpat())
    say("heard", sorted((m["type"], m["channel"], m["data"]) for m in (p.get_message(timeout=5) for _ in range(2))))
    p.unsubscribe("news")
    p.punsubscribe()
    say("unsubscribed", [(m["type"], m["data"]) for m in (p.get_message(timeout=5) for _ in range(3))])
    heard = []
    p.subscribe(**{"handled": lambda m: heard.append(m["data"])})
    thread = p.run_in_thread(sleep_time=0.01)
    until(lambda: r.publish("handled", "by a thread"), "the thread has subscribed")
    until(lambda: heard, "the handler was called")
    thread.stop()
    thread.join()
    say("handler", heard[0])

    got = []
    waiter = threading.Thread(target=lambda: got.append(other.blpop(["q1", "q2"], timeout=10)))
    waiter.start()
    until(lambda: r.info("clients")["blocked_clients"], "the client waits")
    r.rpush("q2", "work")
    waiter.join()
    say("blpop", got, raised(other.blpop, "q1", 0.05))

    r.xgroup_create("stream", "group", "0", mkstream=True)
    ids = [r.xadd("stream", {"n": i}, id=f"{i}-1") for i in range(1, 4)]
    say("xreadgroup", r.xreadgroup("group", "me", {"stream": ">"}, count=2))
    say("xpending", r.xpending("stream", "group"), r.xack("stream", "group", ids[0]))
    say("xautoclaim", r.xautoclaim("stream", "group", "you", 0))


def replies():
    info = r.info()
    say("info", [k for k in ("redis_version", "uptime_in_seconds", "connected_clients", "used_memory", "role", "db0") if k not in info])
    say("client list", sorted({c["name"] for c in r.client_list()}), r.client_setname("me"), r.client_getname())
    say("config", r.config_set("slowlog-max-len", "64"), r.config_get("slowlog-max-len"))
    r.hset("h", mapping={"f": "v", "n": 1})
    r.zadd("z", {"one": 1, "half": 0.5, "inf": float("inf")})
    say("replies", r.hgetall("h"), r.zrange("z", 0, -1, withscores=True), r.object("encoding", "z"), r.type("h"))
    r.geoadd("g", (13.361389, 38.115556, "Palermo"))
    say("geo", r.geopos("g", "Palermo"), r.geosearch("g", longitude=13, latitude=38, radius=50, unit="km", withdist=True))
    say("scan", sorted(r.scan_iter(match="l*")), sorted(r.hscan_iter("h")), sorted(r.zscan_iter("z")))
    say("dump and restore", r.restore("h2", 0, r_bytes.dump("h")), r.hgetall("h2"))
    say("command", r.command_count() > 200, r.command()["get"]["arity"], r.command_getkeys("MSET", "a", 1, "b", 2))
    say("time to live", r.set("t", 1, ex=100), near(r.ttl("t"), 100), r.persist("t"), r.ttl("t"), r.ttl("none"))
    say("an error", raised(r.lpush, "h", 1))


def killed():
    """What was answered is there; a lock is held on; a transaction that watched is void; a script is loaded anew."""
    held = r.lock("held", timeout=1000)
    held.acquire()
    take = r.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    take(keys=["taken"], args=[3])
    r.xgroup_create("jobs", "group", "0", mkstream=True)
    r.xadd("jobs", {"n": 1}, id="1-1")
    r.xreadgroup("group", "me", {"jobs": ">"})
    with r.pipeline(transaction=False) as p:
        for i in range(1000):
            p.set(f"kept:{i}", i, ex=1000)
        p.execute()
    with r.pipeline() as p:
        p.watch("taken")
        kill_the_server()
        p.multi()
        p.set("taken", 0)
        say("a transaction that has watched", "returned" in raised(p.execute), again(r.get, "taken"))
    say("kept", sum(int(v) for v in again(r.mget, [f"kept:{i}" for i in range(1000)])), near(r.ttl("kept:7"), 1000))
    say("the lock", held.owned(), other.lock("held", timeout=1).acquire(blocking=False), raised(held.release))
    say("the script", again(take, keys=["taken"], args=[4]))
    say("delivered, not acknowledged", r.xpending("jobs", "group")["pending"], r.xautoclaim("jobs", "group", "you", 0)[1])
    got = []
    waiter = threading.Thread(target=lambda: got.append(again(other.blpop, ["kept list"], timeout=60)))
    waiter.start()
    until(lambda: r.info("clients")["blocked_clients"], "the client waits")
    kill_the_server()
    until(lambda: again(r.info, "clients")["blocked_clients"], "the client waits again")
    again(r.rpush, "kept list", "work")
    waiter.join()
    say("a wait begun again", got)


r_bytes = redis.Redis(HOST, PORT)
for part in (locks, pipelines, scripts, messages, replies, killed):
    say(f"-- {part.__name__}")
    part()
