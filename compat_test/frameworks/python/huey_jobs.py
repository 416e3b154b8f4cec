"""Huey: results, retries, priorities, schedules, pipelines, locks, revoking, the server killed under a consumer.

Started with "consumer" it is the consumer."""
import sys
import time

from huey import PriorityRedisHuey
from huey.consumer_options import ConsumerConfig
from huey.exceptions import TaskLockedException
from redis import Redis

from transcript import HOST, PORT, URL, Child, again, kill_the_server, raised, say, until

huey = PriorityRedisHuey("site", url=URL + "/1?socket_timeout=60")
r = Redis(HOST, PORT, decode_responses=True)


@huey.task()
def add(a, b):
    return a + b


@huey.task(retries=2, retry_delay=0)
def tried(name, succeeds_at):
    n = r.incr(f"tries:{name}")
    if n < succeeds_at:
        raise ValueError(f"try {n} failed")
    return n


@huey.task()
def note(what):
    r.rpush("notes", what)


@huey.task()
@huey.lock_task("only one")
def locked():
    return "had the lock"


def consumer():
    return Child(sys.executable, __file__, "consumer")


def get(result):
    return raised(result.get, blocking=True, timeout=40)


def last(result):
    """The outcome of a task's last try so far."""
    result.reset()
    return raised(result.get, preserve=True)


def jobs():
    first, second, third = note(1), note.s("two"), note.s("three")
    second.priority, third.priority = 10, 5
    huey.enqueue(second)
    huey.enqueue(third)
    early = add(1, 2)
    revoked = add(5, 5)
    revoked.revoke()
    later = add.schedule((3, 4), delay=1)
    say("queued", len(huey), huey.scheduled_count(), huey.result_count(), early.get(), revoked.is_revoked())
    huey.lock_task("only one").acquire()
    refused = locked()
    with consumer() as c:
        say("result", get(early))
        say("scheduled", get(later))
        say("priorities", until(lambda: r.llen("notes") == 3 and r.lrange("notes", 0, -1), "three notes"))
        retried = tried("some", 2)
        until(lambda: "returned 2" in last(retried), "the second try")
        say("retried", r.get("tries:some"))
        exhausted = tried("many", 9)
        until(lambda: "try 3" in last(exhausted), "all tries")
        say("retries exhausted", r.get("tries:many"))
        say("pipeline", [raised(x.get, blocking=True, timeout=40) for x in huey.enqueue(add.s(1, 1).then(add, 10).then(add, 100))])
        say("many", add.map([(i, i) for i in range(20)]).get(blocking=True, timeout=40))
        say("locked by another", get(refused))
        huey.lock_task("only one").clear()
        say("lock", get(locked()))
        say("revoked", revoked.get())
        c.stop()
    huey.put("kept", {"a": 1})
    say("stored", huey.get("kept", peek=True), huey.get("kept"), huey.get("kept"))
    with huey.lock_task("twice"):
        say("a lock twice", raised(huey.lock_task("twice").__enter__) , TaskLockedException.__name__)


def server_killed():
    with consumer() as c:
        say("before", get(add(20, 2)))
        later = add.schedule((30, 3), delay=2)
        until(huey.scheduled_count, "a worker has put it aside")  # what it holds when the server goes is lost with every server
        kill_the_server()
        say("a scheduled one from before", again(later.get, blocking=True, timeout=40))
        say("after", again(add, 40, 4).get(blocking=True, timeout=40))
        c.stop()
    queued = [add(i, 1) for i in range(10)]
    say("queued", len(huey))
    kill_the_server()
    say("still queued", again(len, huey))
    with consumer() as c:
        say("done", [again(x.get, blocking=True, timeout=40) for x in queued])
        c.stop()


if __name__ == "__main__":
    if sys.argv[1:] == ["consumer"]:
        import huey_jobs  # the tasks have the module's name then

        config = ConsumerConfig(workers=1, worker_type="thread", periodic=False, initial_delay=0.05, backoff=1.0, max_delay=0.05, scheduler_interval=1)
        huey_jobs.huey.create_consumer(**config.values).run()
        sys.exit()
    import huey_jobs

    for part in (huey_jobs.jobs, huey_jobs.server_killed):
        say(f"-- {part.__name__}")
        part()
