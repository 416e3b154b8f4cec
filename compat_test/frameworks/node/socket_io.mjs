// socket.io: two servers joined by @socket.io/redis-adapter: broadcasts, rooms and acknowledgements across them.
import { createServer } from 'node:http'
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { host, next, port, run, say, until, url } from './transcript.mjs'

async function server(adapter) {
  const http = createServer()
  const server = new Server(http, { adapter })
  server.on('connection', (socket) => {
    socket.on('join', async (room, done) => done(await socket.join(room)))
    socket.on('say to', (room, text) => socket.to(room).emit('said', text))
    socket.on('how many', (answer, done) => done(answer))
  })
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  return { io: server, address: `http://127.0.0.1:${http.address().port}` }
}

async function client(address, name, heard) {
  const socket = io(address, { transports: ['websocket'], forceNew: true, reconnection: false, auth: { name } })
  socket.on('said', (text) => heard.push(`${name} ${text}`))
  socket.on('asked', (question, answer) => answer(`${name} ${question}`))
  await next(socket, 'connect')
  return socket
}

/** What two servers with three clients do; the same for every kind of adapter. */
async function across(adapter, listening = async () => {}) {
  const a = await server(await adapter())
  const b = await server(await adapter())
  await until(async () => (await a.io.of('/').adapter.serverCount()) === 2, 'the servers know of each other')
  const heard = []
  const said = async (count) => {
    await until(() => heard.length >= count, `${count} have heard`)
    return heard.splice(0).sort()
  }
  const one = await client(a.address, 'one', heard)
  const two = await client(b.address, 'two', heard)
  const three = await client(b.address, 'three', heard)
  a.io.emit('said', 'to all')
  say('to all', await said(3))
  await one.emitWithAck('join', 'room')
  await two.emitWithAck('join', 'room')
  await listening('room')
  a.io.to('room').emit('said', 'in the room')
  say('to a room', await said(2))
  a.io.except('room').emit('said', 'not in the room')
  say('to all but a room', await said(1))
  one.emit('say to', 'room', 'from one')
  say('from a client to a room', await said(1))
  b.io.local.emit('said', 'to my own')
  say('to its own only', await said(2))
  a.io.emit('said', Buffer.from('binary'))
  say('binary', await said(3))
  say('acknowledged by all', (await a.io.timeout(5000).emitWithAck('asked', 'how are you?')).sort())
  const sockets = await a.io.fetchSockets()
  say('sockets', sockets.map((s) => [s.handshake.auth.name, [...s.rooms].filter((r) => r !== s.id)]).sort())
  say('sockets of a room', (await b.io.in('room').fetchSockets()).map((s) => s.handshake.auth.name).sort())
  a.io.in('room').socketsJoin('second room')
  await until(async () => (await a.io.in('second room').fetchSockets()).length === 2, 'they have joined')
  await listening('second room')
  b.io.in(three.id).socketsJoin('second room')
  await until(async () => (await a.io.in('second room').fetchSockets()).length === 3, 'the third has joined')
  a.io.in('room').socketsLeave('second room')
  await until(async () => (await b.io.in('second room').fetchSockets()).length === 1, 'they have left')
  a.io.to('second room').emit('said', 'to who is left')
  say('after joins and leaves', await said(1))
  b.io.on('between servers', (text, answer) => answer(`b heard ${text}`))
  say('between servers', await a.io.serverSideEmitWithAck('between servers', 'hello'))
  const gone = next(two, 'disconnect')
  a.io.in(two.id).disconnectSockets()
  say('disconnected by the other server', (await gone)[0], (await a.io.fetchSockets()).length)
  one.close()
  three.close()
  await Promise.all([a.io.close(), b.io.close()])
}

const clients = []
const nodeRedis = async () => {
  const c = createClient({ url })
  await c.connect()
  clients.push(() => c.destroy())
  return c
}
const ioredis = () => {
  const c = new Redis({ host, port })
  clients.push(() => c.disconnect())
  return c
}

const withNodeRedis = () => across(async () => createAdapter(await nodeRedis(), await nodeRedis()))
const withIoredis = () => across(async () => createAdapter(ioredis(), ioredis(), { publishOnSpecificResponseChannel: true }))
const sharded = () => across(async () => createShardedAdapter(await nodeRedis(), await nodeRedis(), { subscriptionMode: 'dynamic' }), async (room) => {
  // A socket is in a room before its server has subscribed to the room's own channel.
  const looking = await nodeRedis()
  await until(async () => (await looking.sendCommand(['PUBSUB', 'SHARDNUMSUB', `socket.io#/#${room}#`]))[1] === 2, `both servers listen to ${room}`)
})

await run(withNodeRedis, withIoredis, sharded)
clients.forEach((close) => close())
process.exit(0)
