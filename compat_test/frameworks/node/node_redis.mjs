// node-redis: its client-side cache and what invalidates it, multi, scripts, publish and subscribe, iterators, streams, pools.
import { BasicClientSideCache, BasicPooledClientSideCache, createClient, createClientPool, defineScript } from 'redis'
import { raised, run, say, until, url } from './transcript.mjs'

const connected = async (options) => {
  const client = createClient({ url, RESP: 3, ...options })
  client.on('error', (e) => console.error(e.message))
  await client.connect()
  return client
}
const other = await connected()

async function clientSideCaching() {
  const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 100, evictPolicy: 'LRU' })
  const client = await connected({ clientSideCache: cache })
  const counts = () => [cache.stats().hitCount, cache.stats().missCount]
  const invalidated = []
  cache.on('invalidate', (key) => invalidated.push(String(key)))
  await other.mSet({ a: '1', b: '2' })
  say('read twice', await client.get('a'), await client.get('a'), counts())
  await other.set('a', 'changed')
  await until(() => invalidated.includes('a'), 'a is invalidated')
  say("another's change", await client.get('a'), await client.get('a'), counts())
  await client.set('a', 'my own')
  await until(() => invalidated.length === 2, 'a is invalidated')
  say('own change', await client.get('a'), counts())
  await other.hSet('h', { f: '1', g: '2' })
  say('hash', { ...(await client.hGetAll('h')) }, await client.hGet('h', 'f'), { ...(await client.hGetAll('h')) }, counts())
  await other.hIncrBy('h', 'f', 5)
  await until(() => invalidated.includes('h'), 'h is invalidated')
  say('a field changed', await client.hGet('h', 'f'), counts())
  await client.mGet(['a', 'b'])
  await other.set('brief', 'soon gone', { PX: 500 })
  say('with a time to live', await client.get('brief'))
  await until(() => invalidated.includes('brief'), 'it has expired')
  say('expired', await client.get('brief'))
  await other.rename('b', 'c')
  await until(() => invalidated.includes('b'), 'b is invalidated')
  say('renamed', await client.get('b'), await client.get('c'))
  await other.multi().set('a', 'x').set('a', 'in a transaction').exec()
  await until(() => invalidated.filter((k) => k === 'a').length === 3, 'a is invalidated')
  say('changed in a transaction', await client.get('a'))
  await other.eval("return redis.call('APPEND', KEYS[1], ARGV[1])", { keys: ['a'], arguments: [' and a script'] })
  await until(() => invalidated.filter((k) => k === 'a').length === 4, 'a is invalidated')
  say('changed by a script', await client.get('a'))
  const size = cache.size()
  await other.flushDb()
  await until(() => cache.size() === 0, 'all is invalidated')
  say('flushed', size > 0, await client.get('a'))
  say('tracking', (await client.sendCommand(['CLIENT', 'TRACKINGINFO'])).flags)
  await client.close()

  const shared = new BasicPooledClientSideCache()
  const pool = createClientPool({ url, RESP: 3 }, { clientSideCache: shared, minimum: 2, maximum: 4 })
  await pool.connect()
  await other.set('a', '1')
  await Promise.all(Array.from({ length: 20 }, () => pool.get('a')))
  await other.set('a', '2')
  await until(async () => (await pool.get('a')) === '2', 'the change is seen')
  say('in a pool', await pool.get('a'), shared.stats().hitCount > 0)
  await pool.close()
}

async function tracking() {
  const client = await connected()
  const heard = []
  const prefixed = await connected()
  await prefixed.sendCommand(['CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'user:'])
  await client.sendCommand(['CLIENT', 'TRACKING', 'ON', 'OPTIN', 'NOLOOP'])
  say('tracking', await prefixed.sendCommand(['CLIENT', 'TRACKINGINFO']), (await client.sendCommand(['CLIENT', 'TRACKINGINFO'])).flags)
  await Promise.all([client.close(), prefixed.close()])
  // By hand with a redirection, as RESP2 clients do it.
  const sub = await connected({ RESP: 2 })
  const id = await sub.sendCommand(['CLIENT', 'ID'])
  await sub.subscribe('__redis__:invalidate', (keys) => heard.push(keys))
  const old = await connected({ RESP: 2 })
  say('redirected', await old.sendCommand(['CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id)]))
  await old.set('k', '1')
  await old.get('k')
  await other.set('k', '2')
  await until(() => heard.length > 0, 'it is told')
  say('told', heard)
  await Promise.all([old.close(), sub.close()])
}

async function commands() {
  const client = await connected({
    scripts: {
      addAll: defineScript({
        NUMBER_OF_KEYS: 1,
        SCRIPT: `local sum = 0 for _, v in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do sum = sum + v end return sum * ARGV[1]`,
        parseCommand: (parser, key, times) => {
          parser.pushKey(key)
          parser.push(String(times))
        },
        transformReply: (reply) => reply,
      }),
    },
  })
  await client.rPush('numbers', ['1', '2', '3'])
  say('script', await client.addAll('numbers', 10))
  say('multi', await client.multi().incr('n').addAll('numbers', 2).set('s', 'text', { EX: 100 }).ttl('s').exec())
  say('an error in multi', await raised(client.multi().set('s', 'x').lPush('s', 'y').exec()))
  say('typed replies', await client.zAdd('z', [{ score: 1.5, value: 'a' }, { score: Infinity, value: 'b' }]), await client.zRangeWithScores('z', 0, -1), await client.sMembers('none'))
  await client.watch('n')
  await other.incr('n')
  say('watched, touched', await raised(client.multi().set('n', 0).exec()), await client.get('n'))
  say('wrong type', await raised(client.hGetAll('s')))
  await client.mSet(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`scan:${i}`, `${i}`])))
  const found = []
  for await (const keys of client.scanIterator({ MATCH: 'scan:*', COUNT: 30 })) found.push(...keys)
  say('scanIterator', new Set(found).size)
  say('many at once', (await Promise.all(Array.from({ length: 1000 }, () => client.incr('many')))).at(-1))
  say('info and list', (await client.info('server')).includes('redis_version'), (await client.clientList()).length >= 2)
  await client.xAdd('log', '1-1', { f: 'v' })
  await client.xGroupCreate('log', 'g', '0')
  say('streams', await client.xReadGroup('g', 'me', { key: 'log', id: '>' }, { COUNT: 5 }), await client.xAck('log', 'g', '1-1'))
  say('geo', await client.geoAdd('geo', { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' }), await client.geoSearch('geo', { longitude: 13, latitude: 38 }, { radius: 50, unit: 'km' }))
  const sub = client.duplicate()
  await sub.connect()
  const heard = []
  await sub.subscribe(['one', 'two'], (text, channel) => heard.push([channel, text]))
  await sub.pSubscribe('t*', (text, channel) => heard.push(['pattern', channel, text]))
  await sub.sSubscribe('shard', (text, channel) => heard.push(['shard', channel, text]))
  await client.publish('one', '1')
  await client.publish('two', '2')
  await client.sPublish('shard', '3')
  await until(() => heard.length === 4, 'all is heard')
  say('heard', heard, await sub.get('s'))
  await sub.unsubscribe()
  await sub.pUnsubscribe()
  await sub.close()
  const waiting = client.duplicate()
  waiting.on('error', () => {}) // it will be killed
  await waiting.connect()
  const popped = waiting.blPop('queue', 10)
  await client.rPush('queue', 'work')
  say('blPop', { ...(await popped) }, await waiting.blPop('queue', 0.05))
  const broken = new Promise((resolve) => waiting.once('ready', resolve))
  const id = await waiting.clientId()
  await client.sendCommand(['CLIENT', 'KILL', 'ID', String(id)])
  await broken
  say('connected again', await waiting.ping())
  await Promise.all([waiting.close(), client.close()])
}

await run(clientSideCaching, tracking, commands)
await other.close()
