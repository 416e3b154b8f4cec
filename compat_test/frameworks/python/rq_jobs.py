"""RQ: jobs done, retried, scheduled, chained and stopped; the process of a job killed, a worker killed half-way, the server
killed under a worker.

Started with "worker" it is the worker, with "before" and "after" the two halves between which the server is killed."""
import os
import signal
import sys
import time
from datetime import timedelta

from redis import Redis
from rq import Queue, Retry, Worker
from rq.command import send_stop_job_command
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry, StartedJobRegistry

from transcript import HOST, PORT, Child, again, kill_the_server, raised, say, until

r = Redis(HOST, PORT)


def add(a, b):
    return a + b


def tried(name, succeeds_at):
    n = r.incr(f"tries:{name}")
    if n < succeeds_at:
        raise ValueError(f"try {n} failed")
    return n


def hang(name):
    r.set(f"pid:{name}", os.getpid())
    time.sleep(60)


def failed(job, connection, kind, value, traceback):
    connection.rpush("failures", f"{kind.__name__}: {value}")


def worker(*args):
    return Child(sys.executable, __file__, "worker", *args)


def ended(job):
    return job.get_status(refresh=True) in ("finished", "failed", "stopped", "canceled")


def outcome(job):
    until(lambda: ended(job), f"{job.func_name} has ended")
    job.refresh()
    said = (job.exc_info or "").strip().splitlines()
    return job.get_status(), job.result, said[-1] if said else None


def whole_job():
    q, low = Queue("default", connection=r), Queue("low", connection=r)
    say("queued", q.enqueue("rq_jobs.add", 1, 2, job_id="sum").get_status(), len(q), q.job_ids)
    retried = q.enqueue("rq_jobs.tried", "retried", 3, retry=Retry(max=3))
    exhausted = q.enqueue("rq_jobs.tried", "exhausted", 9, retry=Retry(max=2), on_failure=failed)
    first = low.enqueue("rq_jobs.add", 10, 20, meta={"who": "me"})
    then = q.enqueue("rq_jobs.add", 100, 200, depends_on=first)
    cancelled = q.enqueue("rq_jobs.add", 0, 0)
    cancelled.cancel()
    say("waits for another", then.get_status(), q.deferred_job_registry.count)
    later = q.enqueue_in(timedelta(seconds=1), "rq_jobs.add", 5, 5)
    slow_retry = q.enqueue("rq_jobs.tried", "slowly", 2, retry=Retry(max=1, interval=1))
    say("scheduled", ScheduledJobRegistry(queue=q).count, later.get_status())
    many = q.enqueue_many([Queue.prepare_data("rq_jobs.add", (i, i)) for i in range(20)])
    with worker("--with-scheduler") as w:
        say("done", *outcome(Job.fetch("sum", connection=r)))
        say("retried", *outcome(retried), r.get("tries:retried"))
        say("retries exhausted", *outcome(exhausted), r.get("tries:exhausted"), r.lrange("failures", 0, -1))
        say("the one waited for", *outcome(first), first.meta)
        say("the one that waited", *outcome(then))
        say("cancelled", *outcome(cancelled))
        say("many", sum(outcome(job)[1] for job in many))
        say("scheduled, then done", *outcome(later))
        say("retried after a pause", *outcome(slow_retry))

        hung = q.enqueue("rq_jobs.hang", "killed")
        os.kill(int(until(lambda: r.get("pid:killed"), "the job runs")), signal.SIGKILL)
        status, _, said = outcome(hung)
        say("its process killed", status, "terminated unexpectedly" in said)
        stopped = q.enqueue("rq_jobs.hang", "stopped")
        until(lambda: r.get("pid:stopped"), "the job runs")
        send_stop_job_command(r, stopped.id)
        say("stopped by a command", outcome(stopped)[0])
        timed = q.enqueue("rq_jobs.hang", "timed", job_timeout=1)
        say("timed out", *outcome(timed))
        until(lambda: all(x.failed_job_count == 9 for x in Worker.all(connection=r)), "all failures are counted")
        say("workers", [(x.queue_names(), x.successful_job_count, x.failed_job_count) for x in Worker.all(connection=r)])
        say("worker ends", w.stop())
    say("workers", Worker.all(connection=r))
    say("registries", FinishedJobRegistry(queue=q).count, FailedJobRegistry(queue=q).count, len(q))
    say("requeued", exhausted.requeue().get_status(), len(q), FailedJobRegistry(queue=q).count)
    say("deleted", exhausted.delete(), raised(Job.fetch, exhausted.id, connection=r).replace(exhausted.id, "ID"))


def killed_half_way():
    q = Queue("default", connection=r)
    q.empty()
    hung = q.enqueue("rq_jobs.hang", "orphan", job_timeout=600)
    with worker() as w:
        until(lambda: r.get("pid:orphan"), "the job runs")
        started = StartedJobRegistry(queue=q)
        w.kill()
        os.kill(int(r.get("pid:orphan")), signal.SIGKILL)
    say("its worker killed", hung.get_status(), started.get_job_ids() == [hung.id], len(q))
    # An entry whose time is over is what a worker's round finds; RQ grants a minute more than the job's time.
    for member in r.zrange(started.key, 0, -1):
        r.zadd(started.key, {member: time.time() - 1})
    with worker("--burst") as w:
        say("a burst ends", w.process.wait(40))
    say("found by the next worker", hung.get_status(), started.count, hung.id in FailedJobRegistry(queue=q))


def server_killed():
    q = Queue("default", connection=r)
    q.empty()
    with worker() as w:
        say("before", *outcome(q.enqueue("rq_jobs.add", 20, 2)))
        kill_the_server()
        w.kill()  # it may have ended by itself: what it does without a server is another with each version
    again(r.ping)
    with worker() as w:
        say("after", *outcome(again(q.enqueue, "rq_jobs.add", 40, 4)))
    queued = q.enqueue_many([Queue.prepare_data("rq_jobs.add", (i, 1)) for i in range(20)])
    kill_the_server()
    until(lambda: again(lambda: len(q)) == 20, "the jobs are there")
    with worker("--burst") as w:
        say("a burst ends", w.process.wait(40))
    say("queued before", [outcome(job)[1] for job in queued])


def before():
    """Leaves work of all kinds behind: done, failed, scheduled, deferred, waiting."""
    q = Queue("default", connection=r)
    q.enqueue("rq_jobs.add", 1, 2, job_id="done", result_ttl=600)
    q.enqueue("rq_jobs.tried", "kept", 2, job_id="fails")
    with worker("--burst") as w:
        say("a burst ends", w.process.wait(40))
    q.enqueue_many([Queue.prepare_data("rq_jobs.add", (i, i), job_id=f"waits {i}", result_ttl=600) for i in range(10)])
    q.enqueue("rq_jobs.add", 1, 1, job_id="child", depends_on=q.enqueue("rq_jobs.add", 2, 2, job_id="parent"))
    q.enqueue_in(timedelta(seconds=2), "rq_jobs.add", 3, 3, job_id="later")
    kept("before")


def kept(when):
    q = Queue("default", connection=r)
    registries = q.finished_job_registry, q.failed_job_registry, q.scheduled_job_registry, q.deferred_job_registry
    say(when, q.job_ids, [sorted(x.get_job_ids()) for x in registries])


def after():
    """Finds it and does it."""
    q = Queue("default", connection=r)
    kept("after")
    say("result", Job.fetch("done", connection=r).result)
    q.failed_job_registry.requeue("fails")
    with worker("--with-scheduler") as w:
        say("the scheduled one", *outcome(Job.fetch("later", connection=r)))
        say("the child", *outcome(Job.fetch("child", connection=r)))
        say("the failed one", *outcome(Job.fetch("fails", connection=r)))
        say("worker ends", w.stop())
    say("results", [Job.fetch(f"waits {i}", connection=r).result for i in range(10)])
    kept("done")


def main():
    if sys.argv[1:2] == ["worker"]:
        w = Worker([Queue("default", connection=r), Queue("low", connection=r)], connection=r)
        w.work(burst="--burst" in sys.argv, with_scheduler="--with-scheduler" in sys.argv, logging_level="CRITICAL")
        return
    parts = {"before": [before], "after": [after]}.get(" ".join(sys.argv[1:]), [whole_job, killed_half_way, server_killed])
    for part in parts:
        say(f"-- {part.__name__}")
        part()


if __name__ == "__main__":
    main()
