import { decode, decodeWithRawDocuments, encode, type Doc } from './values.ts'

/** Largest message, as `hello` announces it. */
export const maxMessageBytes = 48_000_000
const opReply = 1
const opQuery = 2004
const opMsg = 2013
const headerBytes = 16
const checksumPresent = 1
const moreToCome = 2

/** One command as it came over the wire. */
export interface Request {
  requestId: number
  /** `query` is the old form that drivers use for their first greeting. */
  form: 'message' | 'query'
  db: string
  name: string
  body: Doc
  /** The undecoded documents of an insert. */
  rawDocuments: Buffer[]
  /** The client wants no answer. */
  silent: boolean
}

/** The bytes are not a message that this server understands; the connection cannot go on. */
export class ProtocolError extends Error {}

/** Cuts a stream of bytes into messages. */
export function createFramer(): { push(chunk: Buffer): Buffer[] } {
  let pending: Buffer[] = []
  let size = 0
  return {
    push(chunk) {
      pending.push(chunk)
      size += chunk.length
      const messages: Buffer[] = []
      while (size >= headerBytes) {
        if ((pending[0] as Buffer).length < headerBytes) pending = [Buffer.concat(pending)]
        const length = (pending[0] as Buffer).readInt32LE(0)
        if (length < headerBytes || length > maxMessageBytes) throw new ProtocolError(`message of ${length} bytes`)
        if (size < length) break
        const all = pending.length === 1 ? (pending[0] as Buffer) : Buffer.concat(pending)
        messages.push(all.subarray(0, length))
        pending = all.length === length ? [] : [all.subarray(length)]
        size -= length
      }
      return messages
    },
  }
}

/** @throws ProtocolError on anything that is not a well-formed command */
export function parseMessage(message: Buffer): Request {
  const opCode = message.readInt32LE(12)
  const requestId = message.readInt32LE(4)
  try {
    if (opCode === opMsg) return parseOpMsg(message, requestId)
    if (opCode === opQuery) return parseOpQuery(message, requestId)
  } catch (error) {
    throw new ProtocolError(error instanceof Error ? error.message : 'malformed message', { cause: error })
  }
  throw new ProtocolError(`operation ${opCode}`)
}

function parseOpMsg(message: Buffer, requestId: number): Request {
  const flags = message.readUInt32LE(headerBytes)
  if ((flags & ~(checksumPresent | moreToCome) & 0xffff) !== 0) throw new ProtocolError('unknown required flag')
  const end = message.length - ((flags & checksumPresent) === 0 ? 0 : 4)
  let body: Doc | undefined
  let rawDocuments: Buffer[] = []
  const sequences: { name: string; documents: Buffer[] }[] = []
  for (let at = headerBytes + 4; at < end;) {
    const kind = message[at]
    at += 1
    const size = message.readInt32LE(at)
    if (size < 5 || at + size > end) throw new ProtocolError('section longer than its message')
    const section = message.subarray(at, at + size)
    if (kind === 0) {
      if (body !== undefined) throw new ProtocolError('two bodies')
      ;[body, rawDocuments] = parseBody(section)
    } else if (kind === 1) sequences.push(parseSequence(section))
    else throw new ProtocolError('unknown section')
    at += size
  }
  if (body === undefined) throw new ProtocolError('no body')
  for (const { name, documents } of sequences) {
    if (name === 'documents') rawDocuments = documents
    else body[name] = documents.map((document) => decode(document))
  }
  return requestOf(requestId, 'message', body, body['$db'], rawDocuments, (flags & moreToCome) !== 0)
}

function parseBody(section: Buffer): [Doc, Buffer[]] {
  // The command's name is the first element's: byte 4 is its type, the name follows.
  if (section.toString('latin1', 5, 12) !== 'insert\0') return [decode(section), []]
  const { documents, ...body } = decodeWithRawDocuments(section)
  const raws = Array.isArray(documents) ? documents.filter((document) => document instanceof Uint8Array) : []
  return [body as Doc, raws.map((raw) => Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength))]
}

function parseSequence(section: Buffer): { name: string; documents: Buffer[] } {
  const nameEnd = section.indexOf(0, 4)
  if (nameEnd < 0) throw new ProtocolError('sequence without a name')
  const documents: Buffer[] = []
  for (let at = nameEnd + 1; at < section.length;) {
    const size = section.readInt32LE(at)
    if (size < 5 || at + size > section.length) throw new ProtocolError('document longer than its section')
    documents.push(section.subarray(at, at + size))
    at += size
  }
  return { name: section.toString('utf8', 4, nameEnd), documents }
}

function parseOpQuery(message: Buffer, requestId: number): Request {
  const nameStart = headerBytes + 4
  const nameEnd = message.indexOf(0, nameStart)
  if (nameEnd < 0) throw new ProtocolError('no namespace')
  const ns = message.toString('utf8', nameStart, nameEnd)
  const bodyStart = nameEnd + 9
  const body = decode(message.subarray(bodyStart, bodyStart + message.readInt32LE(bodyStart)))
  return requestOf(requestId, 'query', body, ns.split('.')[0], [], false)
}

function requestOf(requestId: number, form: Request['form'], body: Doc, db: unknown, rawDocuments: Buffer[], silent: boolean): Request {
  if (typeof db !== 'string') throw new ProtocolError('no database')
  const name = Object.keys(body)[0]
  if (name === undefined) throw new ProtocolError('empty command')
  return { requestId, form, db, name, body, rawDocuments, silent }
}

let lastRequestId = 0

/** The bytes of an answer. */
export function answerBytes(request: Request, answer: Doc | Buffer): Buffer {
  const body = Buffer.isBuffer(answer) ? answer : encode(answer)
  const extra = request.form === 'message' ? 5 : 20
  const head = Buffer.alloc(headerBytes + extra)
  lastRequestId = (lastRequestId + 1) & 0x7fffffff
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(lastRequestId, 4)
  head.writeInt32LE(request.requestId, 8)
  head.writeInt32LE(request.form === 'message' ? opMsg : opReply, 12)
  // An old-style answer: flags 8 (await capable), no cursor, starting at 0, one document.
  if (request.form === 'query') {
    head.writeInt32LE(8, headerBytes)
    head.writeInt32LE(1, headerBytes + 16)
  }
  return Buffer.concat([head, body])
}

function element(type: number, name: string, ...content: Buffer[]): Buffer[] {
  return [Buffer.from([type]), Buffer.from(`${name}\0`), ...content]
}

function documentOf(parts: Buffer[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 5)
  const head = Buffer.alloc(4)
  head.writeInt32LE(size)
  return Buffer.concat([head, ...parts, Buffer.from([0])], size)
}

/** The answer `{cursor: {<batchName>: [...], id, ns}, ok: 1}` around documents that stay as they are stored. */
export function cursorAnswer(batchName: 'firstBatch' | 'nextBatch', batch: Buffer[], id: bigint, ns: string): Buffer {
  const items = batch.flatMap((document, at) => element(3, String(at), document))
  const idBytes = Buffer.alloc(8)
  idBytes.writeBigInt64LE(id)
  const nsText = Buffer.from(`${ns}\0`)
  const nsLength = Buffer.alloc(4)
  nsLength.writeInt32LE(nsText.length)
  const cursor = documentOf([...element(4, batchName, documentOf(items)), ...element(18, 'id', idBytes), ...element(2, 'ns', nsLength, nsText)])
  const one = Buffer.alloc(8)
  one.writeDoubleLE(1)
  return documentOf([...element(3, 'cursor', cursor), ...element(1, 'ok', one)])
}
