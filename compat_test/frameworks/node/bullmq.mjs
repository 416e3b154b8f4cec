// BullMQ: delays, retries with backoff, priorities, flows, a rate limit, repeated jobs, and a worker killed half-way whose job
// another takes up as stalled. Started with `worker` or `hanging` it is the worker that is killed, with `before` and `after` the
// two halves between which the server is, with `leaving`, `moved` and `back` what a queue does on its way to Diskette and back.
import { FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { child, host, next, port, raised, run, say, until } from './transcript.mjs'

const connection = { host, port, maxRetriesPerRequest: null }
const redis = new Redis(connection)
const opened = []
const open = (Class, ...args) => {
  const it = new Class(...args)
  it.on('error', (e) => console.error(e))
  opened.push(it)
  return it
}
const queue = (name) => open(Queue, name, { connection })
const events = async (name) => {
  const e = open(QueueEvents, name, { connection, lastEventId: '0-0' })
  await e.waitUntilReady()
  return e
}
const worker = (name, work, more) => open(Worker, name, work, { connection, ...more })
const close = async () => {
  for (const it of opened.splice(0).reverse()) await it.close()
}

async function jobs() {
  const q = queue('jobs')
  const ended = await events('jobs')
  const seen = []
  for (const name of ['waiting', 'active', 'progress', 'completed', 'delayed']) {
    ended.on(name, (e) => e.jobId === 'watched' && seen.push(name))
  }
  await q.add('sum', { a: 1, b: 2 }, { jobId: 'watched' })
  const same = await q.add('sum', { a: 9, b: 9 }, { jobId: 'watched' })
  say('same id', same.id, await q.getJobCounts())
  const w = worker('jobs', async (job) => {
    await job.updateProgress(50)
    await job.log('half-way')
    return job.data.a + job.data.b
  })
  const job = await q.getJob('watched')
  say('result', await job.waitUntilFinished(ended), await job.getState(), (await q.getJobLogs('watched')).logs)
  await until(() => seen.includes('completed'), 'all events are there')
  say('events', seen)
  const bulk = await q.addBulk(Array.from({ length: 50 }, (_, i) => ({ name: 'sum', data: { a: i, b: i } })))
  say('bulk', (await Promise.all(bulk.map((j) => j.waitUntilFinished(ended)))).reduce((a, b) => a + b))
  const added = performance.now()
  const delayed = await q.add('later', { a: 3, b: 4 }, { delay: 700 })
  say('delayed', await delayed.getState(), await delayed.waitUntilFinished(ended), performance.now() - added >= 690)
  const promoted = await q.add('later', { a: 5, b: 6 }, { delay: 600_000 })
  await promoted.promote()
  say('promoted', await promoted.waitUntilFinished(ended))
  await q.pause()
  const paused = await q.add('sum', { a: 7, b: 8 })
  say('paused', await q.isPaused(), await q.getJobCounts('paused', 'waiting', 'prioritized'))
  await q.resume()
  say('resumed', await paused.waitUntilFinished(ended))
  say('counts', await q.getJobCounts(), (await q.getCompleted(0, 1)).length)
  await w.close()
  say('cleaned', (await q.clean(0, 100, 'completed')).length, await q.count())
}

async function retries() {
  const q = queue('retries')
  const ended = await events('retries')
  const tries = {}
  worker('retries', async (job) => {
    tries[job.name] = [...(tries[job.name] ?? []), job.attemptsMade]
    if (job.name === 'hopeless') throw new UnrecoverableError('no use')
    if (tries[job.name].length < job.data.succeedsAt) throw new Error(`try ${tries[job.name].length} failed`)
    return 'at last'
  })
  const backoff = { type: 'exponential', delay: 100 }
  const start = performance.now()
  const job = await q.add('retried', { succeedsAt: 3 }, { attempts: 5, backoff })
  say('retried', await job.waitUntilFinished(ended), tries.retried, performance.now() - start >= 300)
  const exhausted = await q.add('exhausted', { succeedsAt: 99 }, { attempts: 3, backoff: { type: 'fixed', delay: 50 } })
  say('exhausted', await raised(exhausted.waitUntilFinished(ended)), tries.exhausted, await exhausted.getState())
  const hopeless = await q.add('hopeless', {}, { attempts: 5 })
  say('unrecoverable', await raised(hopeless.waitUntilFinished(ended)), tries.hopeless)
  say('failed', (await q.getFailed()).map((j) => [j.name, j.failedReason, j.attemptsMade]).sort())
  tries.exhausted = Array(98).fill(0)
  const again = await q.getJob(exhausted.id)
  await again.retry()
  say('retried by hand', await again.waitUntilFinished(ended), await q.getJobCounts('failed', 'completed'))
}

async function order() {
  const q = queue('order')
  const done = []
  for (const [name, priority] of [['low', 10], ['none', undefined], ['high', 1], ['middle', 5], ['none again', undefined]]) await q.add(name, {}, { priority })
  await q.add('lifo', {}, { lifo: true })
  say('prioritized', await q.getJobCounts('prioritized', 'waiting'), await q.getCountsPerPriority([0, 1, 5, 10]))
  worker('order', async (job) => done.push(job.name), { concurrency: 1 })
  await until(() => done.length === 6, 'all are done')
  say('order', done)
}

async function rateLimit() {
  const q = queue('limited')
  const at = []
  await q.addBulk(Array.from({ length: 9 }, (_, i) => ({ name: 'n', data: i })))
  worker('limited', async () => at.push(performance.now()), { limiter: { max: 3, duration: 500 }, concurrency: 9 })
  await until(() => at.length === 9, 'all are done')
  say('nine jobs, three in half a second', at[2] - at[0] < 400, at[3] - at[0] >= 400, at[8] - at[0] >= 900, at[8] - at[0] < 3000)
}

async function flows() {
  const ended = await events('parents')
  worker('children', async (job) => job.data.n)
  worker('parents', async (job) => Object.values(await job.getChildrenValues()).reduce((a, b) => a + b, 0))
  const flow = open(FlowProducer, { connection })
  const child = (n) => ({ name: 'child', queueName: 'children', data: { n } })
  const tree = await flow.add({ name: 'root', queueName: 'parents', children: [child(1), child(2), { name: 'inner', queueName: 'parents', children: [child(10), child(20)] }] })
  say('a tree of jobs', await tree.job.waitUntilFinished(ended))
  say('dependencies', Object.values((await tree.job.getDependencies()).processed).sort())
}

async function repeated() {
  const q = queue('repeated')
  const done = []
  worker('repeated', async (job) => done.push([job.name, job.data]))
  await q.upsertJobScheduler('every', { every: 200, limit: 3 }, { name: 'tick', data: 'tock' })
  await until(() => done.length >= 3, 'it has repeated')
  say('repeated', done)
  await q.upsertJobScheduler('daily', { pattern: '0 3 * * *', tz: 'UTC' }, { name: 'at three' })
  say('schedulers', (await q.getJobSchedulers()).map((s) => [s.key, s.pattern ?? s.every]).sort())
  say('removed', await q.removeJobScheduler('daily'), await q.getDelayedCount())
  const once = { deduplication: { id: 'only one' }, delay: 1000 }
  const [one, two] = [await q.add('first', {}, once), await q.add('second', {}, once)]
  say('deduplicated', one.id === two.id)
  await q.obliterate({ force: true })
  say('obliterated', await redis.keys('bull:repeated:*'))
}

async function killedHalfWay() {
  const q = queue('stalled')
  const ended = await events('stalled')
  const stalled = next(ended, 'stalled')
  const job = await q.add('hang', {}, { jobId: 'orphan' })
  const killed = child('worker')
  await until(() => redis.get('begun'), 'the job runs')
  killed.kill('SIGKILL')
  await next(killed, 'exit')
  say('its worker killed', await job.getState(), await q.getJobCounts('active', 'waiting'))
  worker('stalled', async (job) => `taken up, stalled ${job.stalledCounter}`, { stalledInterval: 300, lockDuration: 1000 })
  say('taken up by another', await job.waitUntilFinished(ended), (await stalled)[0], await job.getState())
}

/** Leaves work of all kinds behind: done, failed, delayed, prioritized, waiting, waiting for children. */
async function before() {
  const q = queue('kept')
  const ended = await events('kept')
  const w = worker('kept', async (job) => {
    if (job.name === 'fails') throw new Error('the first time')
    return job.name
  })
  const done = await q.add('done', {})
  const fails = await q.add('fails', {}, { attempts: 2, backoff: 1500 })
  await done.waitUntilFinished(ended)
  await until(async () => (await fails.getState()) === 'delayed', 'it has failed once')
  await w.close()
  await q.addBulk(Array.from({ length: 500 }, (_, n) => ({ name: 'waits', data: { n } })))
  await q.addBulk(Array.from({ length: 20 }, (_, n) => ({ name: 'later', data: { n }, opts: { delay: 1000 } })))
  await q.add('first', {}, { priority: 1 })
  await open(FlowProducer, { connection }).add({ name: 'parent', queueName: 'kept', children: [{ name: 'child', queueName: 'kept' }] })
  say('before', await q.getJobCounts())
}

/** Finds it and does it. */
async function after() {
  const q = queue('kept')
  say('after', await q.getJobCounts())
  const times = {}
  worker('kept', async (job) => {
    const name = job.name + (job.data.n ?? '')
    times[name] = (times[name] ?? 0) + 1
  }, { concurrency: 10 })
  await until(async () => Object.values(await q.getJobCounts('active', 'waiting', 'delayed', 'prioritized', 'waiting-children')).every((n) => n === 0), 'all is done')
  say('done', Object.keys(times).length, 'more than once', Object.values(times).filter((n) => n > 1).length, await q.getJobCounts())
}

const unfinished = ['active', 'waiting', 'delayed', 'prioritized', 'waiting-children']
const recover = { stalledInterval: 300, lockDuration: 1000 }
const did = (job) => redis.hincrby('done', job.name + (job.data.n ?? ''), 1)
const many = (name, count, opts) => Array.from({ length: count }, (_, n) => ({ name, data: { n }, opts }))

/** Adds a job and kills the worker that works at it, which has done all else. */
async function hung(q, name) {
  await q.add(name, { hangs: true })
  const killed = child('hanging')
  await until(() => redis.sismember('hanging', name), `${name} runs`)
  await until(async () => (await q.getWaitingCount()) === 0, 'all else is done')
  await until(async () => (await q.getActiveCount()) === 1, 'nothing else runs')
  killed.kill('SIGKILL')
  await next(killed, 'exit')
}

/** Does what is open except for that many jobs, which are due in an hour. */
async function work(q, left) {
  const w = worker('moving', async (job) => {
    if (job.name === 'fails' && job.attemptsMade === 0) throw new Error('the first time')
    await did(job)
  }, { ...recover, concurrency: 5 })
  await until(async () => Object.values(await q.getJobCounts(...unfinished)).reduce((a, b) => a + b) === left, `all but ${left} are done`)
  await w.close()
  say('done', Object.keys(await redis.hgetall('done')).sort(), await q.getJobCounts())
}

/** On Redis: jobs done, one hung in a killed worker, others waiting, prioritized, delayed and waiting for children. */
async function leaving() {
  const q = queue('moving')
  await q.addBulk(many('early', 5))
  await hung(q, 'hung on Redis')
  await q.addBulk([...many('waits', 10), ...many('soon', 3, { delay: 1000 }), ...many('late', 3, { delay: 3_600_000 })])
  await q.add('fails', {}, { attempts: 2, backoff: 3_600_000 })
  await q.add('first', {}, { priority: 1 })
  await open(FlowProducer, { connection }).add({ name: 'parent', queueName: 'moving', children: many('child', 2).map((c) => ({ ...c, queueName: 'moving' })) })
  say('left', await q.getJobCounts())
}

/** On Diskette: what is due gets done, the hung job too, and new ones come. */
async function moved() {
  const q = queue('moving')
  say('found', await q.getJobCounts())
  await work(q, 4)
  await hung(q, 'hung on Diskette')
  await q.addBulk([...many('new', 10), ...many('new, soon', 3, { delay: 1000 })])
  say('left', await q.getJobCounts())
}

/** On Redis again: the rest, and what is not due yet is promoted. */
async function back() {
  const q = queue('moving')
  say('found', await q.getJobCounts())
  for (const job of await q.getDelayed()) await job.promote()
  await work(q, 0)
}

const half = { before, after, leaving, moved, back }[process.argv[2]]
if (process.argv[2] === 'worker') {
  worker('stalled', async () => {
    await redis.incr('begun')
    await new Promise(() => {})
  }, { stalledInterval: 300, lockDuration: 1000 })
} else if (process.argv[2] === 'hanging') {
  worker('moving', async (job) => {
    if (!job.data.hangs) return did(job)
    await redis.sadd('hanging', job.name)
    await new Promise(() => {})
  }, { ...recover, concurrency: 2 })
} else {
  for (const part of half ? [half] : [jobs, retries, order, rateLimit, flows, repeated, killedHalfWay]) {
    await run(part)
    await close()
  }
  await redis.quit()
}
