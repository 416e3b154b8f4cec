// What the Node programs share: the server they are told to use, lines of a transcript, waiting, children.
import { spawn } from 'node:child_process'
import { inspect } from 'node:util'

export const host = process.env.REDIS_HOST
export const port = Number(process.env.REDIS_PORT)
export const url = process.env.REDIS_URL

Error.prototype[inspect.custom] = function () {
  return `${this.name}: ${this.message}` // no stack: it has paths
}

const shown = (value) => (typeof value === 'string' ? value : inspect(value, { depth: 9, breakLength: Infinity, compact: 20, sorted: true, maxArrayLength: 200 }))

export const say = (what, ...outcome) => console.log(`${what}:`, ...outcome.map(shown))

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** The error that a promise ends with, as its text; or what it gave. */
export const raised = (promise) => promise.then((value) => `returned ${shown(value)}`, (e) => `${e.name}: ${e.message}`)

/** Waits until condition() is true and returns what it gave. */
export async function until(condition, what, seconds = 100) {
  const deadline = performance.now() + seconds * 1000
  while (performance.now() < deadline) {
    const got = await condition()
    if (got) return got
    await sleep(10)
  }
  console.error(`gave up waiting until ${what}`)
  process.exit(1)
}

/** The next event of an emitter, as its list of arguments. */
export function next(emitter, event, seconds = 100) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event}`)), seconds * 1000)
    emitter.once(event, (...args) => {
      clearTimeout(timer)
      resolve(args)
    })
  })
}

/** Runs a program's own file again with other arguments. It ends with this process. */
export function child(...args) {
  const process_ = spawn(process.execPath, [process.argv[1], ...args], { stdio: ['ignore', 2, 2] })
  process.on('exit', () => process_.kill('SIGKILL'))
  return process_
}

/** Runs the parts in order, each under its name. */
export async function run(...parts) {
  for (const part of parts) {
    console.log(`-- ${part.name}`)
    const start = performance.now()
    await part()
    console.error(`${part.name}: ${Math.round(performance.now() - start)} ms`)
  }
}
