/** Shared by the tests of reactors: events of several keys, handlers that wait, and what is written about them. */
import { Aggregate, EventStore, ProjectionStore, Reactor, Versions } from "@hexfold/core"
import { Deferred, Duration, Effect, Schema } from "effect"
import { appendOne } from "./appendOne.ts"

class Rang extends Schema.TaggedClass<Rang>()("Rang", { key: Schema.String, n: Schema.Int }) {}
class RangTogether extends Schema.TaggedClass<RangTogether>()("RangTogether", {
  keys: Schema.Array(Schema.String),
  n: Schema.Int
}) {}

/** A stored event of it becomes one current event for each of its keys. */
export const Bell = Aggregate.make("Bell", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  events: [Rang],
  retired: [Versions.retired(RangTogether, ({ keys, n }) => keys.map((key) => new Rang({ key, n })))],
  evolve: { Rang: (count) => count + 1 }
})

const append = (id: string, type: string, data: Schema.JsonObject) =>
  Effect.gen(function* () {
    const eventId = crypto.randomUUID()
    const event = {
      id: eventId,
      type,
      data,
      metadata: { correlationId: eventId, causationId: eventId }
    }
    const store = yield* EventStore.EventStore
    yield* appendOne(store, { writes: [{ streamId: Bell.streamId(id), events: [event] }], conditions: [] })
  })

/** Appends the event `n` with these keys. It gets the position `n` if it is the n-th event. */
export const ring = (n: number, keys: ReadonlyArray<string>) =>
  append("b", "RangTogether", { _tag: "RangTogether", keys: [...keys], n })

/** Appends an event that does not decode. */
export const ringBroken = (id: string) => append(id, "Rang", { _tag: "Rang" })

/** Appends an event of a retired type that does not decode. */
export const ringBrokenTogether = (id: string) => append(id, "RangTogether", { _tag: "RangTogether" })

/** A reactor whose keys are the streams. */
export const ringingByStream = Reactor.make("RingingByStream", {
  from: [Bell],
  start: "beginning",
  onPoison: "park",
  on: { Rang: () => Effect.void }
})

/** A reactor that handles each event under each of its keys. */
export const ringing = <R>(
  handle: (n: number, key: string) => Effect.Effect<unknown, unknown, R>,
  definition: { readonly onPoison?: "stop" | "skip" | "park" } = {}
) =>
  Reactor.make("Ringing", {
    from: [Bell],
    start: "beginning",
    key: ({ key }) => key,
    ...definition,
    on: { Rang: ({ key, n }) => handle(n, key) }
  })

/** Handlers that wait until they are let go on. */
export const gates = () => {
  const running = new Map<string, Deferred.Deferred<void>>()
  return {
    /** The handlings that wait, such as `3 a`. */
    running,
    handle: (n: number, key: string) =>
      Effect.suspend(() => {
        const gate = Deferred.makeUnsafe<void>()
        running.set(`${n} ${key}`, gate)
        return Deferred.await(gate)
      }),
    /** Lets a handling end. */
    open: (handling: string) =>
      Effect.suspend(() => {
        const gate = running.get(handling)!
        running.delete(handling)
        return Deferred.succeed(gate, undefined)
      })
  }
}

/** Waits until something holds, while others go on. */
export const comes = (what: () => string, holds: () => boolean) =>
  Effect.gen(function* () {
    for (let tries = 0; !holds(); tries++) {
      if (tries === 2_000) throw new Error(`it did not come to hold: ${what()}`)
      yield* Effect.yieldNow
    }
  })

/** What is done of the log, as the last commit says it. */
interface Written {
  readonly to: number
  readonly done: ReadonlyArray<number>
}

/** A store of projections that tells what was written last. */
export const watched = Effect.map(ProjectionStore.ProjectionStore, (store) => {
  let written: Written = { to: 0, done: [] }
  const watching: ProjectionStore.ProjectionStore["Service"] = {
    ...store,
    commit: (commit) =>
      Effect.tap(store.commit(commit), () =>
        Effect.sync(() => {
          const { records, to } = commit
          const [put] = records?.put ?? []
          const former = records?.remove.length === 0 && put === undefined ? written : { done: [] }
          written = { ...former, ...(put?.state as Partial<Written> | undefined), to }
        })
      )
  }
  return { store: watching, written: () => written }
})

/** The record in which the owner of a part keeps what it has done after its position. */
export interface Kept {
  readonly of: number
  readonly history: number
  readonly done: ReadonlyArray<number>
}

/** Writes records as former owners of the reactor have left them, and leaves its position at the beginning. */
export const leave = (records: ReadonlyMap<number, Schema.Json>, consumer: Reactor.Any) =>
  Effect.gen(function* () {
    const store = yield* ProjectionStore.ProjectionStore
    const generation = { view: consumer.name, version: consumer.version }
    const claim = { generation, owner: "former", fingerprint: consumer.fingerprint }
    const claimed = yield* store.claim({ ...claim, lease: Duration.seconds(10) })
    if (claimed._tag !== "Owned") throw new Error("the reactor has an owner")
    const put = Array.from(records, ([index, state]) => ({ key: `done ${index}`, state }))
    yield* store.commit({ owner: { generation, epoch: claimed.epoch }, from: 0, to: 0, records: { put, remove: [] } })
    yield* store.claim({ ...claim, lease: Duration.zero })
  })
