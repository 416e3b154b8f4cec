"""Dramatiq: results, retries, delays, pipelines and groups, rate limits, a worker killed half-way, the server killed under a
worker. Started by dramatiq's own command it is the worker's module."""
import os
import sys
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.rate_limits import BucketRateLimiter, ConcurrentRateLimiter, WindowRateLimiter
from dramatiq.rate_limits.backends import RedisBackend as LimitsBackend
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from redis import Redis

from transcript import HOST, PORT, URL, Child, again, kill_the_server, raised, say, until

PATIENT = "?socket_timeout=60"  # redis-py gives up after 5 seconds, also where a command waits for longer

# A worker that died is found by the heartbeat that it no longer writes.
broker = RedisBroker(url=URL + "/1" + PATIENT, heartbeat_timeout=2000, maintenance_chance=1_000_000)
broker.add_middleware(Results(backend=RedisBackend(url=URL + "/2" + PATIENT)))
dramatiq.set_broker(broker)
r = Redis(HOST, PORT, decode_responses=True)
limits = LimitsBackend(url=URL + "/3" + PATIENT)


@dramatiq.actor(store_results=True)
def add(a, b):
    return a + b


@dramatiq.actor(store_results=True, max_retries=2, min_backoff=50, max_backoff=100)
def tried(name, succeeds_at):
    n = r.incr(f"tries:{name}")
    if n < succeeds_at:
        raise ValueError(f"try {n} failed")
    return n


@dramatiq.actor
def note(what):
    r.rpush("notes", what)


@dramatiq.actor
def hang_once(name):
    if r.incr(f"begun:{name}") == 1:
        time.sleep(60)
    r.set(f"done:{name}", r.get(f"begun:{name}"))


def worker():
    return Child(os.path.join(os.path.dirname(sys.executable), "dramatiq"), "dramatiq_jobs", "--processes", "1", "--threads", "2",
                 "--skip-logging", "--worker-shutdown-timeout", "10000")


def get(message):
    return raised(message.get_result, block=True, timeout=100_000)


def jobs():
    queued = [add.send(1, 2), add.send_with_options(args=(3, 4), delay=1000)]
    say("queued", sorted((k, broker.client.type(k)) for k in broker.client.keys("*")), raised(queued[0].get_result).split("(")[0])
    with worker() as w:
        say("result", get(queued[0]))
        say("result of a delayed one", get(queued[1]))
        say("retried", get(tried.send("some", 2)), r.get("tries:some"))
        exhausted = tried.send("many", 9)
        say("retries exhausted", get(exhausted).split("(")[0], until(lambda: r.get("tries:many") == "3" and r.get("tries:many"), "all tries"))
        say("dead letters", until(lambda: broker.client.zcard("dramatiq:default.XQ"), "the dead letter is there"))
        say("pipeline", raised((add.message(1, 2) | add.message(3) | add.message(4)).run().get_result, block=True, timeout=100_000))
        say("group", raised(lambda: list(dramatiq.group(add.message(i, i) for i in range(20)).run().get_results(block=True, timeout=100_000))))
        note.send("fire and forget")
        until(lambda: r.llen("notes"), "the note is there")
        say("worker ends", w.stop())
    say("left over", broker.client.hlen("dramatiq:default.msgs"), broker.client.hlen("dramatiq:default.DQ.msgs"))


def rate_limits():
    mutex = ConcurrentRateLimiter(limits, "mutex", limit=1)
    with mutex.acquire():
        with mutex.acquire(raise_on_failure=False) as second:
            say("mutex", second)
    with mutex.acquire(raise_on_failure=False) as third:
        say("mutex, free again", third)
    bucket = BucketRateLimiter(limits, "bucket", limit=3, bucket=600_000)
    window = WindowRateLimiter(limits, "window", limit=2, window=600)
    for name, limiter in (("bucket", bucket), ("window", window)):
        got = []
        for _ in range(5):
            with limiter.acquire(raise_on_failure=False) as acquired:
                got.append(bool(acquired))
        say(name, got)


def worker_killed():
    hang_once.send("orphan")
    with worker() as w:
        until(lambda: r.get("begun:orphan"), "the job runs")
        w.kill()
    say("its worker killed", r.get("done:orphan"), broker.client.hlen("dramatiq:default.msgs"))
    until(lambda: all(time.time() * 1000 - s > 2000 for _, s in broker.client.zrange("dramatiq:__heartbeats__", 0, -1, withscores=True)),
          "its heartbeat is old")
    with worker() as w:
        say("taken up by the next worker", until(lambda: r.get("done:orphan"), "the job is done"))
        say("worker ends", w.stop())


def server_killed():
    with worker() as w:
        say("before", get(add.send(20, 2)))
        kill_the_server()
        say("after", again(add.send, 40, 4).get_result(block=True, timeout=100_000))
        say("worker ends", w.stop())
    # A delayed message that a worker has is lost to it with the connection, with every server: this one waits for the next worker.
    queued = [add.send(i, 1) for i in range(20)] + [add.send_with_options(args=(30, 3), delay=1000)]
    kill_the_server()
    with worker() as w:
        say("queued, killed, done", [again(m.get_result, block=True, timeout=100_000) for m in queued])
        say("worker ends", w.stop())
    with WindowRateLimiter(limits, "window", limit=2, window=600).acquire(raise_on_failure=False) as acquired:
        say("the window is still full", not acquired)


if __name__ == "__main__":
    import dramatiq_jobs  # its actors, and not those of __main__, are the ones that a worker knows

    for part in (dramatiq_jobs.jobs, dramatiq_jobs.rate_limits, dramatiq_jobs.worker_killed, dramatiq_jobs.server_killed):
        say(f"-- {part.__name__}")
        part()
