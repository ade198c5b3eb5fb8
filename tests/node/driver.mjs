// Real clients, driven over lines of JSON: one command in, one answer out. What to wait for is named; nothing sleeps.
import { createInterface } from 'node:readline'
import { createHash } from 'node:crypto'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'

const clients = new Map() // ordinary ones: yjs and y-websocket
const raws = new Map() // sockets that say what they are told to
const hex = bytes => Buffer.from(bytes).toString('hex')
const client = id => clients.get(id) ?? raws.get(id)

function open ({ id, url, token, params, state, connect = true }) {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(url, 'sync', doc, {
    params: { token, ...params }, WebSocketPolyfill: WebSocket, disableBc: true, connect: false, maxBackoffTime: 200
  })
  const one = { doc, provider, closes: [], syncs: 0, openedAt: 0, syncedAt: 0, left: new Set() }
  provider.awareness.on('change', ({ removed }) => removed.forEach(other => one.left.add(other)))
  provider.on('status', ({ status }) => { if (status === 'connecting') one.openedAt = performance.now() })
  provider.on('connection-close', event => { one.closes.push(event?.code ?? 0) })
  provider.on('sync', isSynced => { if (isSynced) { one.syncs++; one.syncedAt = performance.now() } })
  if (state !== undefined) provider.awareness.setLocalState(state)
  clients.set(id, one)
  if (connect) provider.connect()
  return { client: doc.clientID }
}

function rawOpen ({ id, url, protocols = [], headers = {} }) {
  const ws = new WebSocket(url, protocols, { headers, perMessageDeflate: false })
  const one = { ws, frames: [], close: null, reason: '', status: 0, protocol: '', bytes: 0, keep: true }
  ws.on('open', () => { one.status = 101; one.protocol = ws.protocol })
  ws.on('message', data => { one.bytes += data.length; if (one.keep) one.frames.push(hex(data)) })
  ws.on('close', (code, reason) => { one.close = code; one.reason = reason.toString() })
  ws.on('unexpected-response', (request, response) => { one.status = response.statusCode; one.close = 0; request.destroy() })
  ws.on('error', () => {})
  raws.set(id, one)
  return {}
}

const socketOf = id => clients.has(id) ? clients.get(id).provider.ws : raws.get(id).ws
const lastClose = one => one.ws ? one.close : (one.closes.at(-1) ?? null)

function read ({ id }) {
  const { doc } = clients.get(id)
  const map = Object.fromEntries(Object.entries(doc.getMap('map').toJSON()).sort()) // keys stand in the order of their arrival
  const content = { map, list: doc.getArray('list').toJSON(), text: doc.getText('text').toString() }
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex')
  return { ...content, vector: hex(sorted(Y.encodeStateVector(doc))), digest }
}

// State vectors list their clients in any order.
function sorted (vector) {
  const found = [...Y.decodeStateVector(vector)].sort(([a], [b]) => a - b)
  return Buffer.from(JSON.stringify(found))
}

const CONDITIONS = {
  synced: ({ id }) => clients.get(id).provider.synced,
  syncs: ({ id, count }) => clients.get(id).syncs >= count,
  closed: ({ id }) => lastClose(client(id)) !== null,
  closedWith: ({ id, code }) => clients.has(id) ? clients.get(id).closes.includes(code) : raws.get(id).close === code,
  opened: ({ id }) => raws.get(id).status !== 0,
  equal: ({ ids }) => new Set(ids.map(id => { const { vector, digest } = read({ id }); return vector + digest })).size === 1,
  has: ({ id, key, value }) => clients.get(id).doc.getMap('map').get(key) === value,
  length: ({ id, count }) => clients.get(id).doc.getArray('list').length >= count,
  frames: ({ id, count }) => raws.get(id).frames.length >= count,
  frame: ({ id, starts }) => raws.get(id).frames.some(frame => frame.startsWith(starts)),
  sees: ({ id, other }) => clients.get(id).provider.awareness.getStates().has(other),
  sawLeave: ({ id, other }) => clients.get(id).left.has(other), // also when they are back by now
  seesState: ({ id, other, key, value }) => clients.get(id).provider.awareness.getStates().get(other)?.[key] === value
}

function until (command) {
  const { what, seconds = 20 } = command
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const look = () => {
      if (CONDITIONS[what](command)) return resolve({ milliseconds: performance.now() - began })
      if (performance.now() - began > seconds * 1000) return reject(new Error(`not in ${seconds} s: ${JSON.stringify(command)}`))
      setTimeout(look, 3)
    }
    look()
  })
}

// Random edits by all of them, with disconnects. The same seed makes the same edits.
function chance (seed) {
  return () => { seed = (seed * 1664525 + 1013904223) % 4294967296; return seed / 4294967296 }
}

async function storm ({ ids, edits, seed, cut = 0.02 }) {
  const next = chance(seed)
  for (let count = 0; count < edits; count++) {
    const { doc, provider } = clients.get(ids[Math.floor(next() * ids.length)])
    const [map, list, text] = [doc.getMap('map'), doc.getArray('list'), doc.getText('text')]
    const dice = next()
    if (dice < 0.3) map.set(`key${Math.floor(next() * 20)}`, count)
    else if (dice < 0.35) map.delete(`key${Math.floor(next() * 20)}`)
    else if (dice < 0.6) list.insert(Math.floor(next() * (list.length + 1)), [count])
    else if (dice < 0.68 && list.length) list.delete(Math.floor(next() * list.length), 1)
    else if (dice < 0.92) text.insert(Math.floor(next() * (text.length + 1)), `w${count} `)
    else if (text.length > 3) text.delete(Math.floor(next() * (text.length - 2)), 2)
    if (next() < cut) provider.wsconnected ? provider.disconnect() : provider.connect()
    if (next() < cut / 2) provider.ws?.terminate()
    if (count % 5 === 0) await new Promise(resolve => setImmediate(resolve))
    if (count % 40 === 0) await new Promise(resolve => setTimeout(resolve, 5))
  }
  for (const id of ids) clients.get(id).provider.connect()
  return {}
}

// Writes numbers as fast as they are echoed to the reader, until the server is killed; tells what the reader saw.
function load ({ writers, reader, perTick = 2 }) {
  const state = { seen: new Set(), wrote: 0, timer: null }
  clients.get(reader).doc.getMap('map').observe(event => { event.keysChanged.forEach(key => state.seen.add(key)) })
  state.timer = setInterval(() => {
    for (const id of writers) {
      for (let n = 0; n < perTick; n++) clients.get(id).doc.getMap('map').set(`${id}-${state.wrote++}`, 1)
    }
  }, 2)
  clients.get(reader).load = state
  return {}
}

const COMMANDS = {
  open,
  rawOpen,
  read,
  until,
  storm,
  load,
  loaded: ({ reader }) => { const { load } = clients.get(reader); clearInterval(load.timer); return { seen: [...load.seen], wrote: load.wrote } },
  seenSoFar: ({ reader }) => ({ count: clients.get(reader).load.seen.size }),
  set: ({ id, key, value }) => { clients.get(id).doc.getMap('map').set(key, value); return {} },
  fill: ({ id, key, characters }) => { clients.get(id).doc.getMap('map').set(key, 'x'.repeat(characters)); return {} },
  push: ({ id, from = 0, count = 1 }) => {
    const list = clients.get(id).doc.getArray('list')
    for (let n = from; n < from + count; n++) list.push([n])
    return {}
  },
  awareness: ({ id, state }) => { clients.get(id).provider.awareness.setLocalState(state); return {} },
  states: ({ id }) => ({ states: Object.fromEntries(clients.get(id).provider.awareness.getStates()) }),
  closes: ({ id }) => ({ closes: client(id).closes ?? [client(id).close], reason: client(id).reason ?? '' }),
  joined: ({ id }) => { const one = clients.get(id); return { milliseconds: one.syncedAt - one.openedAt, syncs: one.syncs } },
  words: ({ id }) => ({ count: clients.get(id).doc.getArray('words').length }),
  connect: ({ id }) => { clients.get(id).provider.connect(); return {} },
  disconnect: ({ id }) => { clients.get(id).provider.disconnect(); return {} },
  cut: ({ id }) => { socketOf(id).terminate(); return {} },
  pause: ({ id }) => { socketOf(id)._socket.pause(); return {} },
  resume: ({ id }) => { socketOf(id)._socket.resume(); return {} },
  send: ({ id, frame, text }) => { raws.get(id).ws.send(text ?? Buffer.from(frame, 'hex')); return {} },
  sendSize: ({ id, bytes }) => { raws.get(id).ws.send(Buffer.alloc(bytes, 1)); return {} },
  raw: ({ id }) => { const { frames, close, reason, status, protocol } = raws.get(id); return { frames, close, reason, status, protocol } },
  end: ({ id }) => { end(id); return {} },
  endAll: () => { for (const id of [...clients.keys(), ...raws.keys()]) end(id); return {} }
}

function end (id) {
  if (clients.has(id)) { clearInterval(clients.get(id).load?.timer); clients.get(id).provider.destroy(); clients.get(id).doc.destroy() }
  if (raws.has(id)) { raws.get(id).ws.on('error', () => {}); raws.get(id).ws.terminate() }
  clients.delete(id)
  raws.delete(id)
}

console.log = console.warn = console.error
const answer = told => process.stdout.write(JSON.stringify(told) + '\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...command } = JSON.parse(line)
  try {
    answer(await COMMANDS[name](command))
  } catch (error) {
    answer({ error: String(error?.stack ?? error) })
  }
}
process.exit(0)
