// connect-redis: express sessions over two servers on one store: kept, with a time to live, touched, destroyed.
import express from 'express'
import session from 'express-session'
import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import { run, say, until, url } from './transcript.mjs'

const client = createClient({ url })
await client.connect()

/** A server of its own with a session store of its own, as two processes behind a load balancer have. */
async function server() {
  const store = new RedisStore({ client, prefix: 'sess:', ttl: 100 })
  const app = express()
  app.use(session({ store, secret: 'for this program only', resave: false, saveUninitialized: false, cookie: {} }))
  app.get('/login', (req, res) => {
    req.session.user = req.query.user
    res.send('in')
  })
  app.get('/count', (req, res) => {
    req.session.views = (req.session.views ?? 0) + 1
    res.json({ user: req.session.user ?? null, views: req.session.views })
  })
  app.get('/who', (req, res) => res.json({ user: req.session.user ?? null }))
  app.get('/remember', (req, res) => {
    req.session.cookie.maxAge = Number(req.query.ms)
    res.send('kept')
  })
  app.get('/again', (req, res, next) => req.session.regenerate((e) => (e ? next(e) : res.send('a new one'))))
  app.get('/logout', (req, res, next) => req.session.destroy((e) => (e ? next(e) : res.send('out'))))
  const listening = await new Promise((resolve) => {
    const s = app.listen(0, '127.0.0.1', () => resolve(s))
  })
  return { store, listening, address: `http://127.0.0.1:${listening.address().port}` }
}

const servers = [await server(), await server()]

/** A browser that keeps its cookie. */
function browser() {
  let cookie = ''
  return async (i, path) => {
    const res = await fetch(servers[i].address + path, { headers: { cookie } })
    const set = res.headers.get('set-cookie')
    if (set) cookie = set.split(';')[0]
    return `${res.status} ${await res.text()}${set ? ', a cookie' : ''}`
  }
}

const sessions = async () => (await client.keys('sess:*')).length
const ttl = async () => client.ttl((await client.keys('sess:*'))[0])

async function requests() {
  const me = browser()
  say('a stranger', await me(0, '/who'), await sessions())
  say('login', await me(0, '/login?user=me'), await sessions(), await ttl())
  say('on both servers', await me(0, '/count'), await me(1, '/count'), await me(0, '/count'), await me(1, '/who'))
  await client.expire((await client.keys('sess:*'))[0], 10)
  say('touched', await ttl(), await me(1, '/who'), await ttl())
  const you = browser()
  say('another browser', await you(1, '/login?user=you'), await you(0, '/count'), await sessions())
  say('regenerated', await you(0, '/again'), await you(1, '/who'))
  say('logout', await me(0, '/logout'), await me(1, '/who'), await sessions())
  const brief = browser()
  say('a brief one', await brief(0, '/login?user=brief'), await brief(0, '/remember?ms=300'))
  await until(async () => (await sessions()) === 1, 'it has expired')
  say('expired', await brief(1, '/who'))
}

async function store() {
  const { store } = servers[0]
  const call = (name, ...args) => new Promise((resolve, reject) => store[name](...args, (e, got) => (e ? reject(e) : resolve(got))))
  for (let i = 0; i < 150; i++) await call('set', `s${i}`, { cookie: {}, n: i })
  say('many', await call('length'), (await call('all')).map((s) => s.n).reduce((a, b) => a + b, 0), (await call('ids')).length)
  say('get', await call('get', 's3'), await call('get', 'none'))
  say('destroy', await call('destroy', 's3'), await call('get', 's3'), await call('length'))
  say('already over', await call('set', 's4', { cookie: { expires: new Date(0) } }), await call('get', 's4'))
  say('clear', await call('clear'), await call('length'), await sessions())
}

await run(requests, store)
servers.forEach((s) => s.listening.close())
await client.close()
process.exit(0)
