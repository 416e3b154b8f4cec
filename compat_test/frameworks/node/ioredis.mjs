// ioredis: pipelines, transactions, own commands in Lua, publish and subscribe, blocking reads, streams, lost connections.
import { Redis } from 'ioredis'
import { host, next, port, raised, run, say, until } from './transcript.mjs'

const redis = new Redis({ host, port })
const other = new Redis({ host, port, connectionName: 'other' })

async function pipelines() {
  say('pipeline', await redis.pipeline().set('a', 1).incr('a').lpush('a', 'x').get('a').exec())
  say('transaction', await redis.multi().set('b', 1).incrby('b', 5).hset('h', { f: 1, g: 2 }).hgetall('h').exec())
  say('an error when queued', await raised(redis.multi().set('b').get('b').exec()))
  await redis.watch('b')
  await other.incr('b')
  say('watched, touched', await redis.multi().set('b', 0).exec(), await redis.get('b'))
  await redis.watch('b')
  say('watched, untouched', await redis.multi().incr('b').exec())
  say('transaction outside of a pipeline', await redis.multi({ pipeline: false }), await redis.set('c', 1), await redis.exec())
  const automatic = new Redis({ host, port, enableAutoPipelining: true })
  say('by itself in a pipeline', (await Promise.all(Array.from({ length: 500 }, () => automatic.incr('counter')))).at(-1))
  await automatic.quit()
  const many = redis.pipeline()
  for (let i = 0; i < 10_000; i++) many.rpush('long', `element ${i}`)
  say('pipeline of ten thousand', (await many.exec()).at(-1), await redis.lindex('long', -1))
}

async function scripts() {
  redis.defineCommand('take', {
    numberOfKeys: 1,
    lua: `local n = tonumber(redis.call('GET', KEYS[1]) or 0)
      if n < tonumber(ARGV[1]) then return redis.error_reply('EMPTY ' .. n) end
      return redis.call('DECRBY', KEYS[1], ARGV[1])`,
  })
  redis.defineCommand('echoAll', { lua: 'return {KEYS, ARGV, #KEYS, redis.status_reply("FINE"), false, 3.7}' })
  await redis.set('stock', 5)
  say('own command', await redis.take('stock', 3), await raised(redis.take('stock', 3)))
  say('arguments', await redis.echoAll(2, 'k1', 'k2', 'a', Buffer.from([0, 255])))
  await redis.script('FLUSH')
  say('after SCRIPT FLUSH', await redis.take('stock', 1))
  say('in a pipeline', await redis.pipeline().take('stock', 1).take('stock', 1).exec())
  say('in a transaction', await redis.multi().set('stock', 9).take('stock', 2).exec())
  const prefixed = new Redis({ host, port, keyPrefix: 'p:', scripts: { both: { numberOfKeys: 2, lua: 'return redis.call("MGET", KEYS[1], KEYS[2])' } } })
  await prefixed.mset('x', 1, 'y', 2)
  say('key prefix', await prefixed.both('x', 'y'), await redis.mget('p:x', 'p:y'))
  await prefixed.quit()
}

async function messages() {
  const sub = new Redis({ host, port })
  say('subscribe', await sub.subscribe('news', 'weather'), await sub.psubscribe('n?ws'))
  const heard = []
  sub.on('message', (channel, text) => heard.push(['message', channel, text]))
  sub.on('pmessage', (pattern, channel, text) => heard.push(['pmessage', pattern, channel, text]))
  say('receivers', await redis.publish('news', 'hello'), await redis.publish('weather', 'rain'), await redis.publish('none', ''))
  await until(() => heard.length === 3, 'all is heard')
  say('heard', heard)
  say('another command there', await raised(sub.get('a')), await sub.ping())
  say('unsubscribe', await sub.unsubscribe('news', 'weather'), await sub.punsubscribe('n?ws'))
  say('a client again', await sub.get('b'))
  await sub.ssubscribe('shard')
  const sharded = next(sub, 'smessage')
  say('sharded', await redis.spublish('shard', 'hi'), await sharded)
  await redis.config('SET', 'notify-keyspace-events', 'KEA')
  await sub.psubscribe('__keyevent@0__:*')
  heard.length = 0
  await redis.set('brief', 1, 'PX', 20)
  await until(() => heard.some((h) => h[2].endsWith('expired')), 'the key has expired')
  say('keyspace events', heard.map((h) => h.slice(2)))
  await redis.config('SET', 'notify-keyspace-events', '')
  await sub.quit()
}

async function blocking() {
  const popped = other.blpop('q1', 'q2', 10)
  await until(async () => (await redis.info('clients')).includes('blocked_clients:1'), 'the client waits')
  await redis.rpush('q2', 'work')
  say('blpop', await popped, await other.blpop('q1', 0.05))
  const moved = other.blmove('q1', 'q3', 'LEFT', 'RIGHT', 10)
  await redis.rpush('q1', 'moving')
  say('blmove', await moved, await redis.lrange('q3', 0, -1))
  const least = other.bzpopmin('z', 10)
  await redis.zadd('z', 2, 'two', 1, 'one')
  say('bzpopmin', await least)
  const read = other.xread('BLOCK', 10_000, 'STREAMS', 'log', '$')
  await until(async () => (await redis.info('clients')).includes('blocked_clients:1'), 'the client waits')
  await redis.xadd('log', '1-1', 'f', 'v')
  say('xread', await read)
  await redis.xgroup('CREATE', 'log', 'group', '0')
  say('xreadgroup', await redis.xreadgroup('GROUP', 'group', 'me', 'COUNT', 10, 'STREAMS', 'log', '>'))
  say('pending', (await redis.xpending('log', 'group', '-', '+', 10)).map(([id, who, , times]) => [id, who, times]), await redis.xack('log', 'group', '1-1'))
}

async function scans() {
  await redis.mset(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`scan:${i}`, i])))
  const found = new Set()
  for await (const keys of redis.scanStream({ match: 'scan:*', count: 50 })) keys.forEach((k) => found.add(k))
  say('scanStream', found.size)
  await redis.zadd('zs', ...Array.from({ length: 200 }, (_, i) => [i, `m${i}`]).flat())
  let members = 0
  for await (const part of redis.zscanStream('zs')) members += part.length / 2
  say('zscanStream', members)
  say('binary', await redis.set('bin', Buffer.from([0, 13, 10, 255])), await redis.getBuffer('bin'))
  say('long value', await redis.set('big', 'x'.repeat(5_000_000)), (await redis.get('big')).length)
  say('big numbers', await redis.incrby('n', '9007199254740993'), await redis.zincrby('zs', 0.25, 'm1'))
}

async function lostConnections() {
  const closed = next(other, 'close')
  const ready = next(other, 'ready')
  const id = (await redis.client('LIST')).split('\n').find((line) => line.includes('name=other')).match(/id=(\d+)/)[1]
  say('killed', await redis.client('KILL', 'ID', id))
  await closed
  say('sent while away', await Promise.all([other.get('b'), other.echo('hi'), ready.then(() => 'connected again')]))
  const sub = new Redis({ host, port, connectionName: 'sub' })
  await sub.subscribe('again')
  const back = next(sub, 'ready')
  await redis.client('KILL', 'TYPE', 'PUBSUB')
  await back
  const message = next(sub, 'message')
  await until(() => redis.publish('again', 'heard'), 'it has subscribed again')
  say('subscribed again', await message)
  const late = new Redis({ host, port, commandTimeout: 100 })
  say('command timeout', await raised(late.blpop('nothing', 5)))
  late.disconnect()
  sub.disconnect()
  const inDatabase = new Redis({ host, port, db: 5 })
  say('database', await inDatabase.set('k', 1), await redis.exists('k'), await inDatabase.dbsize())
  await inDatabase.quit()
}

async function users() {
  say('user', await redis.acl('SETUSER', 'app', 'on', '>secret', '~app:*', '+@read', '+set', '+client'))
  const app = new Redis({ host, port, username: 'app', password: 'secret', enableReadyCheck: false })
  say('allowed', await app.set('app:k', 1), await app.get('app:k'))
  say('not allowed', ...(await Promise.all([raised(app.set('k', 1)), raised(app.del('app:k'))])).map((text) => text.split(' ', 2)))
  app.disconnect()
  const wrong = new Redis({ host, port, username: 'app', password: 'wrong', lazyConnect: true, retryStrategy: null, enableReadyCheck: false })
  wrong.on('error', () => {})
  say('wrong password', await raised(wrong.get('app:k')))
}

await run(pipelines, scripts, messages, blocking, scans, lostConnections, users)
await Promise.all([redis.quit(), other.quit()])
process.exit(0)
