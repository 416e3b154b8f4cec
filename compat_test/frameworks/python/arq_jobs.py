"""arq: results, retries, deferred and unique jobs, a cron job, aborting, the server killed under a worker.

Started with "worker" it is the worker."""
import asyncio
import sys
from datetime import timedelta

from arq import Retry, create_pool, cron
from arq.connections import RedisSettings
from arq.jobs import Job
from arq.worker import Worker

from transcript import HOST, PORT, Child, kill_the_server, say

settings = RedisSettings(HOST, PORT, conn_retries=100, conn_retry_delay=0.1)


async def outcome(awaitable):
    try:
        return f"returned {await awaitable!r}"
    except (Exception, asyncio.CancelledError) as e:
        return f"{type(e).__name__}: {e}"


async def eventually(call, what):
    for _ in range(800):
        try:
            got = await call()
            if got:
                return got
        except Exception as e:
            if not any(x in f"{type(e).__name__}: {e}" for x in ("onnect", "BusyLoadingError")):
                raise
        await asyncio.sleep(0.05)
    raise SystemExit(f"gave up waiting until {what}")


async def add(ctx, a, b):
    return a + b


async def tried(ctx, succeeds_at):
    if ctx["job_try"] < succeeds_at:
        raise Retry(defer=0.05)
    return ctx["job_try"]


async def fail(ctx):
    raise ValueError("as told")


async def hang(ctx):
    await ctx["redis"].set("hangs", 1)
    await asyncio.sleep(60)


async def round_(ctx):
    await ctx["redis"].incr("rounds")


async def result(job):
    got = await outcome(job.result(timeout=40, poll_delay=0.05))
    if got.startswith("TimeoutError"):
        raise SystemExit(f"gave up waiting for {job.job_id}")
    return got


def worker():
    return Child(sys.executable, __file__, "worker")


async def jobs(pool):
    first = await pool.enqueue_job("add", 1, 2, _job_id="sum")
    say("the same again", await pool.enqueue_job("add", 1, 2, _job_id="sum"), await first.status())
    later = await pool.enqueue_job("add", 3, 4, _defer_by=timedelta(seconds=1))
    say("deferred", await later.status(), len(await pool.queued_jobs()), (await first.info()).args)
    with worker() as w:
        say("result", await result(first), await first.status())
        say("result of the deferred one", await result(later))
        say("retried", await result(await pool.enqueue_job("tried", 3)))
        say("retries exhausted", await result(await pool.enqueue_job("tried", 99)))
        say("failure", await result(await pool.enqueue_job("fail")))
        say("no such function", await result(await pool.enqueue_job("none")))
        many = [await pool.enqueue_job("add", i, i) for i in range(20)]
        say("many", [await result(job) for job in many])
        hung = await pool.enqueue_job("hang")
        await eventually(lambda: pool.get("hangs"), "the job runs")
        say("running", await hung.status())
        say("aborted", await hung.abort(timeout=40), await outcome(hung.result(timeout=40)))
        say("a cron job", bool(await eventually(lambda: pool.get("rounds"), "a round")))
        say("unknown", await Job("none", pool).status(), await Job("none", pool).info())
        say("worker ends", w.stop() in (0, 1))
    say("results", len(await pool.all_job_results()), await pool.zcard("arq:queue"))


async def server_killed(pool):
    queued = [await pool.enqueue_job("add", i, 1) for i in range(10)]
    later = await pool.enqueue_job("add", 30, 3, _defer_by=timedelta(seconds=1))
    await asyncio.to_thread(kill_the_server)
    say("still queued", len(await eventually(pool.queued_jobs, "the server answers")))
    with worker() as w:
        say("done", [await result(job) for job in queued])
        say("the deferred one", await result(later))
        say("worker ends", w.stop() in (0, 1))
    await asyncio.to_thread(kill_the_server)
    say("the results are kept", await eventually(lambda: outcome_of(later), "the server answers"))


async def outcome_of(job):
    info = await job.result_info()
    return info and (info.success, info.result)


async def main():
    pool = await create_pool(settings)
    for part in (jobs, server_killed):
        say(f"-- {part.__name__}")
        await part(pool)
    await pool.aclose()


if sys.argv[1:] == ["worker"]:
    asyncio.set_event_loop(asyncio.new_event_loop())
    Worker([add, tried, fail, hang], redis_settings=settings, cron_jobs=[cron(round_, second=set(range(60)), unique=True)], allow_abort_jobs=True,
           poll_delay=0.05, max_tries=4).run()
else:
    asyncio.run(main())
