// Load for one server: rooms of raw sockets that speak the y-websocket protocol (or Hocuspocus's, which puts the room's name
// before every message). Every update carries a marker, so that a delivery is counted also when it comes merged with others.
// Takes a plan as JSON in the first argument, prints "ready", waits for a line on stdin, runs, prints what came of it.
import { createInterface } from 'node:readline'
import WebSocket from 'ws'

const plan = JSON.parse(process.argv[2]) // { urls, size, writers, rate, window, seconds, hocuspocus, idle }
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const MARK = 64 // '@', followed by 8 digits; nothing else in these messages is an @ followed by digits

const uint = value => { const out = []; while (value > 127) { out.push(value % 128 | 128); value = Math.floor(value / 128) } out.push(value); return out }
const bytes = data => [...uint(data.length), ...data]
const text = value => bytes(Buffer.from(value))

let sequence = 0
const sentAt = new Float64Array(20_000_000)
const writerOf = new Uint16Array(20_000_000)
const latencies = []
let delivered = 0
let isCounting = false

class Client {
  constructor (url, room, index) {
    this.room = room
    this.index = index // in its room, from 1
    this.id = room.number * 1000 + index
    this.clock = 0
    this.waiting = 0
    this.isSynced = new Promise(resolve => { this.synced = resolve })
    this.prefix = plan.hocuspocus ? text(room.name) : []
    this.ws = new WebSocket(url, { perMessageDeflate: false })
    this.ws.on('open', () => this.hello())
    this.ws.on('message', data => this.hear(data))
    this.ws.on('error', error => { console.error(String(error)); process.exit(1) })
    this.ws.on('close', code => { if (!ending) { console.error(`closed with ${code}`); process.exit(1) } })
  }

  send (...parts) { this.ws.send(Buffer.from([...this.prefix, ...parts])) }

  hello () {
    if (plan.hocuspocus) this.send(2, 0, ...text(''), ...text('4.0.0'))
    this.send(0, 0, ...bytes([0]))
  }

  hear (data) {
    const at = this.prefix.length
    if (data[at] === 0 && data[at + 1] === 0) return this.send(0, 1, ...bytes([0, 0]))
    if (data[at] === 0 && data[at + 1] === 1) { this.synced(data.length); return }
    if (data[at] !== 0 || !isCounting) return
    const now = performance.now()
    for (let place = data.indexOf(MARK, at), next; place !== -1; place = data.indexOf(MARK, next)) {
      const number = Number(data.latin1Slice(place + 1, place + 9))
      next = place + (Number.isNaN(number) ? 1 : 9) // a length or a clock may be an @ as well
      if (Number.isNaN(number) || writerOf[number] === this.id) continue
      delivered++
      if (latencies.length < 3_000_000) latencies.push(now - sentAt[number])
      const writer = this.room.clients[writerOf[number] % 1000 - 1]
      if (this === writer.witness) writer.seen()
    }
  }

  write () {
    const marker = '@' + String(sequence).padStart(8, '0')
    const place = this.clock === 0 ? [8, 1, ...text('a')] : [0x88, ...uint(this.id), ...uint(this.clock - 1)]
    const update = [1, 1, ...uint(this.id), ...uint(this.clock), ...place, 1, 119, ...text(marker), 0]
    this.clock++
    writerOf[sequence] = this.id
    sentAt[sequence++] = performance.now()
    this.send(0, 2, ...bytes(update))
  }

  get witness () { const { clients } = this.room; return clients.at(this.index === clients.length ? -2 : -1) }

  // As fast as it goes: a writer has a number of updates under way, and writes the next when the last other reader saw one.
  seen () { if (plan.window && isCounting) this.write() }
}

let ending = false
const rooms = plan.urls.map(({ url, name }, number) => ({ number: number + 1, name, url, clients: [] }))
for (const room of rooms) {
  for (let index = 1; index <= plan.size; index++) {
    room.clients.push(new Client(room.url, room, index))
    if (index % 50 === 0) await room.clients.at(-1).isSynced
  }
  await Promise.all(room.clients.map(client => client.isSynced))
}
const writers = rooms.flatMap(room => room.clients.slice(0, plan.writers))

async function join (room) { // a newcomer's time to everything
  const began = performance.now()
  const newcomer = new Client(room.url, room, 999)
  const size = await newcomer.isSynced
  newcomer.ws.removeAllListeners('close')
  newcomer.ws.terminate()
  return { milliseconds: performance.now() - began, bytes: size }
}

async function fill (count) { // a document of that many updates, told to everybody before we go on
  isCounting = true
  for (let done = 0; done < count; done += 100) {
    const due = delivered + 100 * (plan.size - 1)
    for (let n = 0; n < 100; n++) writers[0].write()
    while (delivered < due) await new Promise(resolve => setTimeout(resolve, 1))
  }
  isCounting = false
  const times = []
  for (let n = 0; n < 15; n++) times.push(await join(rooms[0]))
  times.sort((one, other) => one.milliseconds - other.milliseconds)
  return { join: times[7].milliseconds, bytes: times[0].bytes }
}

// Writes for so many seconds, and lets what is under way arrive.
async function pace (seconds) {
  isCounting = true
  const [began, first] = [performance.now(), sequence]
  if (plan.window) for (const writer of writers) for (let n = 0; n < plan.window; n++) writer.write()
  const timer = setInterval(() => {
    if (plan.window) return
    const due = first + (performance.now() - began) / 1000 * plan.rate * writers.length
    while (sequence < due) writers[sequence % writers.length].write()
  }, 2)
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  clearInterval(timer)
  isCounting = false
  const took = (performance.now() - began) / 1000
  await new Promise(resolve => setTimeout(resolve, 300))
  return took
}

console.log('ready')
await lines.next()
if (plan.fill) {
  console.log(JSON.stringify(await fill(plan.fill)))
} else if (plan.seconds) {
  await pace(plan.warm) // compilers of all kinds come to rest
  latencies.length = delivered = 0
  console.log('warm')
  await lines.next()
  const written = sequence
  const seconds = await pace(plan.seconds)
  latencies.sort((one, other) => one - other)
  const at = share => latencies[Math.floor(latencies.length * share)] ?? null
  console.log(JSON.stringify({ seconds, written: sequence - written, delivered, p50: at(0.5), p99: at(0.99) }))
} else {
  console.log('{}')
}
await lines.next()
ending = true
process.exit(0)
