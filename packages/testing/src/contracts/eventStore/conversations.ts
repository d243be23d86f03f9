import { assert } from "@effect/vitest"
import { EventStoreError, type StreamId } from "@hexfold/core"
import { DateTime, Deferred, Effect, Fiber, Stream } from "effect"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { appendTo, events, horizonOf, newStream, numbers, open, readAfter } from "./streams.ts"

type Store = Node["eventStore"]

const newId = (): string => `conversation ${crypto.randomUUID()}`

/** Events of a conversation. */
const said = (correlationId: string, first: number, count = 1, type = "Said") =>
  events(count, type, first).map((each) => ({ ...each, metadata: { ...each.metadata, correlationId } }))

const conversation = (eventStore: Store, options: NonNullable<Parameters<Store["readAll"]>[0]>) =>
  Stream.runCollect(eventStore.readAll(options))

const numbersOf = (...read: Parameters<typeof conversation>) => Effect.map(conversation(...read), numbers)

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Appends the events 1 to `count` of a conversation to streams that take turns, each between events of others. */
const appendTurns = (
  eventStore: Store,
  correlationId: string,
  streams: ReadonlyArray<StreamId.StreamId>,
  count: number
) =>
  Effect.gen(function* () {
    for (let n = 1; n <= count; n++) {
      yield* appendTo(eventStore, newStream(), events(1))
      yield* appendTo(eventStore, streams[n % streams.length]!, [...said(correlationId, n), ...said(newId(), -n)])
    }
  })

/** Promise 7: the events of one conversation. */
export const conversations: Cases = {
  "7 a conversation has the events of all streams with its correlation id, as they are, in the order of positions":
    Effect.gen(function* () {
      const { eventStore } = yield* open
      const start = yield* horizonOf(eventStore)
      const correlationId = newId()
      yield* appendTurns(eventStore, correlationId, [newStream("Order"), newStream("Invoice"), newStream("Order")], 12)
      const read = yield* conversation(eventStore, { correlationId })
      assert.deepStrictEqual(numbers(read), range(1, 12))
      const all = yield* readAfter(eventStore, start)
      assert.deepStrictEqual(
        read,
        all.filter(({ metadata }) => metadata.correlationId === correlationId)
      )
    }),

  "7 a conversation is read from any place to any, forwards and backwards, with a limit": Effect.gen(function* () {
    const { eventStore } = yield* open
    const correlationId = newId()
    yield* appendTurns(eventStore, correlationId, [newStream(), newStream()], 10)
    const positions = (yield* conversation(eventStore, { correlationId })).map(({ position }) => position)
    const place = (n: number) => positions[n - 1]!
    const read = (options: object) => numbersOf(eventStore, { correlationId, ...options })
    assert.deepStrictEqual(yield* read({ limit: 3 }), [1, 2, 3])
    assert.deepStrictEqual(yield* read({ limit: 0 }), [])
    assert.deepStrictEqual(yield* read({ after: place(3), limit: 3 }), [4, 5, 6])
    assert.deepStrictEqual(yield* read({ after: place(10) }), [])
    // A position of another conversation, or of no event, is a place too.
    assert.deepStrictEqual(yield* read({ after: place(3) + 1 }), range(4, 10))
    assert.deepStrictEqual(yield* read({ after: place(3) - 1 }), range(3, 10))
    assert.deepStrictEqual(yield* read({ after: place(3), upTo: place(6) }), [4, 5, 6])
    assert.deepStrictEqual(yield* read({ upTo: place(6) - 1 }), range(1, 5))
    assert.deepStrictEqual(yield* read({ direction: "backwards" }), range(1, 10).reverse())
    assert.deepStrictEqual(yield* read({ direction: "backwards", after: place(4), limit: 2 }), [3, 2])
  }),

  "7 a long conversation is read whole, in pages, forwards and backwards": Effect.gen(function* () {
    const { eventStore } = yield* open
    const [correlationId, streams] = [newId(), [newStream(), newStream()]]
    for (let n = 1; n <= 2_500; n += 100) {
      yield* appendTo(eventStore, streams[(n % 200) % 2]!, [...said(correlationId, n, 100), ...events(30)])
    }
    assert.deepStrictEqual(yield* numbersOf(eventStore, { correlationId }), range(1, 2_500))
    assert.deepStrictEqual(
      yield* numbersOf(eventStore, { correlationId, direction: "backwards", limit: 2_400 }),
      range(101, 2_500).reverse()
    )
  }),

  "7 of a conversation, the events of some aggregates and types": Effect.gen(function* () {
    const { eventStore } = yield* open
    const correlationId = newId()
    for (const [aggregate, type, n] of [
      ["Order", "Placed", 1],
      ["Invoice", "Sent", 2],
      ["Order", "Sent", 3],
      ["Order", "Placed", 4]
    ] as const) {
      yield* appendTo(eventStore, newStream(aggregate), [
        ...said(correlationId, n, 1, type),
        ...said(newId(), 0, 1, type)
      ])
    }
    const read = (options: object) => numbersOf(eventStore, { correlationId, ...options })
    assert.deepStrictEqual(yield* read({ aggregates: ["Order"] }), [1, 3, 4])
    assert.deepStrictEqual(yield* read({ types: ["Sent"] }), [2, 3])
    assert.deepStrictEqual(yield* read({ aggregates: ["Order"], types: ["Sent"] }), [3])
    assert.deepStrictEqual(yield* read({ except: { Order: ["Placed"] } }), [2, 3])
    assert.deepStrictEqual(yield* read({ aggregates: ["Order", "Invoice"], limit: 2 }), [1, 2])
    assert.deepStrictEqual(yield* read({ aggregates: [] }), [])
    assert.deepStrictEqual(yield* read({ types: [] }), [])
  }),

  "7 a conversation is found by its whole id and by no other, whatever the id is made of": Effect.gen(function* () {
    const { eventStore } = yield* open
    const base = newId()
    const ids = ["", "x", " ", "%", "_", "'", '"', "\\", "\n", "é", "e\u0301", "😀".repeat(900), "x".repeat(900)].map(
      (end) => `${base}${end}`
    )
    ids.push(base.toUpperCase(), base.slice(1))
    const streamId = newStream()
    yield* appendTo(
      eventStore,
      streamId,
      ids.flatMap((id, n) => said(id, n))
    )
    for (const [n, correlationId] of ids.entries()) {
      assert.deepStrictEqual(yield* numbersOf(eventStore, { correlationId }), [n])
    }
    for (const correlationId of [newId(), base.slice(0, -1), `${base}X`, "null", streamId]) {
      assert.deepStrictEqual(yield* numbersOf(eventStore, { correlationId }), [])
    }
  }),

  "7 a text that cannot be the id of a conversation is refused": Effect.gen(function* () {
    const { eventStore } = yield* open
    for (const correlationId of ["", "x".repeat(1_001), "a\0", "\ud800", "a\udc00b", 7 as unknown as string]) {
      const error = yield* Effect.flip(conversation(eventStore, { correlationId }))
      assert.instanceOf(error, EventStoreError)
      assert.deepStrictEqual([error.operation, error.reason._tag], ["readAll", "Rejected"])
      assert.include(error.message, "correlationId")
    }
  }),

  "7 a conversation has imported events, and those of an append of several parts": Effect.gen(function* () {
    const { eventStore } = yield* open
    const correlationId = newId()
    const recordedAt = DateTime.makeUnsafe("2001-02-03T04:05:06.007Z")
    yield* appendTo(
      eventStore,
      newStream(),
      said(correlationId, 1, 2).map((each) => ({ ...each, recordedAt }))
    )
    yield* eventStore.append({
      conditions: [],
      parts: [
        { writes: [{ streamId: newStream(), events: [...said(correlationId, 3), ...events(1)] }] },
        { writes: [{ streamId: newStream(), events: said(correlationId, 4) }] }
      ]
    })
    const read = yield* conversation(eventStore, { correlationId })
    assert.deepStrictEqual(numbers(read), [1, 2, 3, 4])
    assert.deepStrictEqual(
      read.map(({ imported }) => imported),
      [true, true, false, false]
    )
  }),

  "5 no event of a conversation is seen before it is sure that none comes before it": needs(
    "otherProcesses",
    "transactions"
  )(function* () {
    const [late, early] = [yield* open, yield* open]
    const correlationId = newId()
    // A store may know that a page has no more events than there are positions.
    yield* appendTo(early.eventStore, newStream(), events(10))
    yield* appendTo(early.eventStore, newStream(), said(correlationId, 1))
    const [appended, end] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    const pending = yield* appendTo(late.eventStore, newStream(), said(correlationId, 2)).pipe(
      Effect.andThen(Deferred.succeed(appended, undefined)),
      Effect.andThen(Deferred.await(end)),
      late.transaction,
      Effect.forkChild
    )
    yield* Deferred.await(appended)
    yield* appendTo(early.eventStore, newStream(), said(correlationId, 3))
    const before = yield* numbersOf(early.eventStore, { correlationId })
    yield* Deferred.succeed(end, undefined)
    yield* Fiber.join(pending)
    assert.deepStrictEqual(before, [1])
    assert.deepStrictEqual(yield* numbersOf(early.eventStore, { correlationId }), [1, 2, 3])
  }),

  "11 a conversation is not read on from a position that the log has lost": needs("lostCommits")(function* () {
    const node = yield* open
    const [correlationId, streamId] = [newId(), newStream()]
    yield* appendTo(node.eventStore, streamId, said(correlationId, 1, 3))
    const { history } = yield* Effect.flatMap(Stream.runHead(node.eventStore.horizons), Effect.fromOption)
    const last = (yield* conversation(node.eventStore, { correlationId })).at(-1)!
    yield* node.loseLast(2)
    assert.deepStrictEqual(yield* numbersOf(node.eventStore, { correlationId }), [1])
    const after = { history, position: last.position }
    yield* appendTo(node.eventStore, streamId, said(correlationId, 4, 3))
    const error = yield* Effect.flip(conversation(node.eventStore, { correlationId, after }))
    assert.strictEqual(error.reason._tag, "PositionFromAnotherHistory")
    assert.deepStrictEqual(yield* numbersOf(node.eventStore, { correlationId }), [1, 4, 5, 6])
  })
}
