"""Celery with Redis as broker and result backend: results, retries, chains, groups, chords, revoking, a worker killed half-way.

Started with `leaving`, `moved` and `back` it is what a queue does on its way to Diskette and back;
with `server_killed` the server is killed under a worker, and under what waits for one.
"""
import os
import subprocess
import sys
import time

import celery
from celery import Celery, chain, chord, group
from redis import Redis

from transcript import HOST, PORT, URL, Child, again, kill_the_server, raised, say, until

app = Celery("celery_tasks", broker=URL + "/1", backend=URL + "/2")
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_transport_options={"visibility_timeout": int(os.environ.get("VISIBILITY_TIMEOUT", 600))},
    result_expires=600,
    task_send_sent_event=True,
    imports=["celery_tasks"],
)
r = Redis(HOST, PORT, decode_responses=True)
broker = Redis(HOST, PORT, db=1)


@app.task
def add(a, b):
    return a + b


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def fail(text):
    raise ValueError(text)


@app.task(bind=True, max_retries=1)
def tried(self, name, succeeds_at):
    n = r.incr(f"tries:{name}")
    if n < succeeds_at:
        raise self.retry(countdown=0.1, exc=RuntimeError(f"try {n} failed"))
    return n


@app.task(bind=True)
def steps(self):
    self.update_state(state="HALFWAY", meta={"done": 50})
    until(lambda: r.get("go on"), "told to go on")
    return "all steps"


@app.task
def hang_once(name):
    if r.incr(f"begun:{name}") == 1:
        time.sleep(60)
    return f"done at try {r.get(f'begun:{name}')}"


@app.task(ignore_result=True)
def note(what):
    r.rpush("notes", what)


def unread():
    """The server's sockets that have bytes nobody has read, or that have not gone out, as the system tells it."""
    with open("/proc/net/tcp") as f:
        lines = [line.split() for line in f.readlines()[1:]]
    port = f":{PORT:04X}"
    return [l for l in lines if l[3] == "01" and (l[1].endswith(port) or l[2].endswith(port)) and l[4] != "00000000:00000000"]


class Worker(Child):
    """A worker that is stopped as Celery's documentation says, with SIGTERM: a warm shutdown."""

    # The signal handler of Celery before 5.3 raises an exception wherever the main process is. When that is while it
    # minds its pool, it waits for a task or a child of the pool for ever, with any server: in 2 of 94 shutdowns under load
    # with redis-server and in 1 of 94 with Diskette, no client of which was blocked or owed anything. Celery has mended
    # it: https://github.com/celery/celery/pull/7339
    MAY_HANG = tuple(int(n) for n in celery.__version__.split(".")[:2]) < (5, 3)

    def stop(self, **_):
        """Asks it to end. A worker that hangs as it is known to is killed; any other must end well and soon."""
        try:
            status = super().stop(seconds=30 if self.MAY_HANG else 100)
        except subprocess.TimeoutExpired:
            owed = [c for c in r.client_list() if "b" in c["flags"] or any(int(c[n]) for n in ("qbuf", "obl", "oll", "omem"))]
            if not self.MAY_HANG or unread() or any(c["cmd"] != "client|list" for c in owed):
                sys.exit(f"the worker does not end; the server has something to do for {owed}; sockets wait: {unread()}")
            print("the worker hangs in its warm shutdown, and waits for no server: it is killed", file=sys.stderr)
            self.kill()
            return
        if status != 0:
            sys.exit(f"the worker ended with status {status}")


def end(w):
    w.stop()
    say("worker", "has ended")


def worker(*args):
    return Worker(sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--concurrency=2", "--loglevel=ERROR",
                 "--hostname=tester@host", "--without-gossip", "--without-mingle", *args)


def get(result):
    """How a task ended. One that does not end is no outcome, even if it is the same on both servers."""
    got = raised(result.get, timeout=100, interval=0.02)
    if got.startswith("TimeoutError"):
        sys.exit(f"gave up waiting for task {result.id}")
    return got


def tasks():
    queued = [add.delay(1, 2), add.apply_async((3, 4), countdown=1)]
    say("queued", broker.llen("celery"), queued[0].state)
    with worker("-E") as w:
        say("result", get(queued[0]), queued[0].state)
        say("result of a delayed task", get(queued[1]))
        failing = fail.delay("as told")
        say("failure", get(failing), failing.state, failing.traceback.strip().splitlines()[-1])
        say("retried", get(tried.delay("some", 2)), r.get("tries:some"))
        say("retries exhausted", get(tried.delay("many", 9)), r.get("tries:many"))
        state = steps.delay()
        until(lambda: state.state == "HALFWAY", "the task is half-way")
        say("own state", state.info)
        r.set("go on", 1)
        say("own state, ended", get(state), state.state)
        say("chain", get(chain(add.s(1, 1), add.s(10), add.s(100))()))
        say("group", get(group(add.s(i, i) for i in range(10))()))
        say("chord", get(chord([add.s(i, i) for i in range(10)])(total.s())))
        say("chord of chords", get(chord([chain(add.s(1, 1), add.s(1)), group(add.s(2, 2), add.s(3, 3))])(total.s())))
        say("chord with a failure", get(chord([add.s(1, 1), fail.s("inside")])(total.s())).split("(")[0])
        note.delay("fire and forget")
        until(lambda: r.llen("notes"), "the note is there")
        say("ignored result", r.lrange("notes", 0, -1))
        expired = add.apply_async((1, 1), expires=-1)
        say("expired", get(expired), expired.state)
        control = app.control
        say("ping", until(lambda: control.ping(timeout=0.5), "the worker answers"))
        say("registered", [t for t in control.inspect().registered_tasks()["tester@host"] if t.startswith("celery_tasks")])
        later = add.apply_async((1, 1), countdown=1)
        control.revoke(later.id)
        say("revoked", get(later), later.state)
        hung = hang_once.delay("revoked")
        until(lambda: r.get("begun:revoked"), "the task runs")
        hung.revoke(terminate=True, signal="SIGKILL")
        say("revoked while running", get(hung), hung.state)
        queued[0].forget()
        say("forgotten", queued[0].state)
        until(lambda: not broker.exists("unacked"), "all tasks are acknowledged")
        end(w)


def killed_half_way():
    with worker() as w:
        hung = hang_once.delay("orphan")
        until(lambda: r.get("begun:orphan"), "the task runs")
        w.kill()
    say("its worker killed", hung.state, broker.hlen("unacked"))
    # The next worker looks for what has been out for longer than this when it starts, and then once in 100 seconds.
    os.environ["VISIBILITY_TIMEOUT"] = "1"
    until(lambda: broker.zrangebyscore("unacked_index", 0, time.time() - 1), "the task has been out for a second")
    with worker() as w:
        say("taken up by the next worker", get(hung))
        end(w)
    say("left over", broker.hlen("unacked"))


def polled(task):
    """A task's result, asked for again and again: the connection on which results are told ended with the server."""
    until(lambda: again(lambda: app.backend.get_task_meta(task)["status"]) == "SUCCESS", "it has ended")
    return app.backend.get_task_meta(task)["result"]


def server_killed():
    with worker() as w:
        say("before", get(add.delay(20, 2)))
        kill_the_server()  # with no task under way: a result that can not be stored is lost, with every server
        w.kill()  # Celery 5.7's consumes nothing any more after some kills, of redis-server, too
    with worker() as w:
        say("after", polled(again(add.delay, 40, 4).id))
        end(w)
    queued = [add.delay(i, 1).id for i in range(20)] + [add.apply_async((30, 3), countdown=1).id]
    kill_the_server()
    again(r.ping)
    with worker() as w:
        say("queued before", [polled(q) for q in queued])
        end(w)


def hung(name):
    """Queues a task and kills the worker that works at it."""
    with worker() as w:
        hang_once.delay(name)
        until(lambda: r.get(f"begun:{name}"), "the task runs")
        until(lambda: broker.llen("celery") == 0 and broker.hlen("unacked") == 1, "all else is done")
        w.kill()
    # What is queued before the server has seen that the worker is gone goes to the worker, and is lost.
    until(lambda: r.info("clients")["blocked_clients"] == 0, "the server knows")


def queue(name, notes):
    """Queues tasks, some of them delayed, and remembers those whose results are waited for on the next server."""
    for i in range(notes):
        note.delay(f"{name} {i}")
    for i in range(3):
        note.apply_async((f"{name}, soon {i}",), countdown=1)
    r.rpush("results", tried.delay(f"{name}, retried", 2).id, chord([add.s(i, i) for i in range(5)])(total.s()).id)


def left():
    say("left", broker.llen("celery"), broker.hlen("unacked"))


def work(*orphans):
    """Has all done by a worker that soon takes up what a killed one had."""
    say("found", broker.llen("celery"), broker.hlen("unacked"))
    os.environ["VISIBILITY_TIMEOUT"] = "1"
    until(lambda: broker.zrangebyscore("unacked_index", 0, time.time() - 1), "the task has been out for a second")
    with worker() as w:
        for i in r.lrange("results", 0, -1):
            say("result", get(app.AsyncResult(i)))
        until(lambda: all(int(r.get(f"begun:{name}")) > 1 for name in orphans), "the hung task is taken up")
        until(lambda: broker.llen("celery") == 0 and broker.hlen("unacked") == 0, "all is done")
        end(w)
    say("done", sorted(set(r.lrange("notes", 0, -1))))


def leaving():
    """On Redis: tasks done, one hung in a killed worker, others queued."""
    for i in range(5):
        note.delay(f"early {i}")
    hung("on Redis")
    queue("of Redis", 10)
    left()


def moved():
    """On Diskette: they are done, and new ones come."""
    work("on Redis")
    hung("on Diskette")
    queue("of Diskette", 10)
    left()


def back():
    """On Redis again: the rest."""
    work("on Redis", "on Diskette")
    left()


if __name__ == "__main__":
    import celery_tasks  # the tasks have the module's name then, not __main__

    for part in [getattr(celery_tasks, name) for name in sys.argv[1:] or ("tasks", "killed_half_way")]:
        say(f"-- {part.__name__}")
        part()
