import { assert } from "@effect/vitest"
import {
  Aggregate,
  Decision,
  type EventStore,
  Projection,
  type ProjectionStore,
  Query,
  Records,
  View
} from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Effect, Fiber, Option, Random, Result, Schedule, Schema, type Scope, Stream } from "effect"
import { Nodes } from "../nodes.ts"
import type { TroubledNode } from "./trouble.ts"
import { appendOne } from "../eventStore/appendOne.ts"
import { eventually } from "../eventually.ts"

/**
 * The cases wait in real time until leases end, so leases are short. On a busy
 * machine they end although their owner works: no case relies on an owner that stays.
 */
export const quick = { lease: "1 second", pause: "20 millis", batch: 20 } as const

/**
 * The options of a job that ends by itself and then releases its lease. It fails if a store has no answer within a share
 * of the lease, and on a busy machine a short lease is too short for that.
 */
export const job = { ...quick, lease: "10 seconds" } as const

const Add = Schema.TaggedStruct("Add", { n: Schema.Int })
const Added = Schema.TaggedStruct("Added", { n: Schema.Int })

/** An aggregate that no other case uses. */
export const newTally = () =>
  Aggregate.make(`Tally_${crypto.randomUUID().replaceAll("-", "")}`, {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    commands: [Add],
    events: [Added],
    errors: [],
    decide: { Add: ({ n }) => Decision.accept({ _tag: "Added", n }) },
    evolve: { Added: (sum, { n }) => sum + n }
  })

export type Tally = ReturnType<typeof newTally>

/** What differs between the views of the cases. */
export interface Definition {
  readonly name?: string
  readonly version?: number
  readonly onPoison?: View.OnPoison
  readonly indexes?: ReadonlyArray<"sum">
  /** Whether the view's handler throws for a number. */
  readonly isPoison?: (n: number) => boolean
}

/** A view with a record for each stream, and one for all streams under `all`: the events applied, in order. */
export const viewOf = (
  tally: Tally,
  { indexes = [], isPoison = () => false, name = "Entries", onPoison = "stop", version = 1 }: Definition = {}
) =>
  View.make(`${name}_${tally.name}`, {
    from: [tally],
    version,
    onPoison,
    indexes,
    state: Schema.Struct({ version: Schema.Int, positions: Schema.Array(Schema.Int), sum: Schema.Int }),
    key: (_event, { id }) => [id, "all"],
    evolve: {
      Added: (state = { version, positions: [], sum: 0 }, { n }, { position }) => {
        if (isPoison(n)) throw new Error(`${n} is poison`)
        return { version, positions: [...state.positions, position], sum: state.sum + n }
      }
    }
  })

export type Entries = ReturnType<typeof viewOf>

/** An aggregate and a view of it. */
export const newView = (definition?: Definition) => {
  const tally = newTally()
  return { tally, view: viewOf(tally, definition) }
}

/** Appends numbers to a stream, and returns the position of the last one. */
export const add = (
  { eventStore }: Pick<TroubledNode, "eventStore">,
  tally: Tally,
  id: string,
  ...ns: ReadonlyArray<number>
) => {
  const written = ns.map((n) => {
    const id = crypto.randomUUID()
    return { id, type: "Added", data: { _tag: "Added", n }, metadata: { correlationId: id, causationId: id } }
  })
  const append = { writes: [{ streamId: tally.streamId(id), events: written }], conditions: [] }
  return Effect.map(appendOne(eventStore, append), ({ events }) => events.at(-1)!.position)
}

/** Writers that append while a case goes on. */
export interface Load {
  /** The number of events written so far. */
  readonly written: () => number
  /** The number of appends so far that committed some time after they had been made. */
  readonly late: () => number
  /** The number of appends so far whose transaction was rolled back. */
  readonly rolledBack: () => number
  /** Ends the writers, and returns the position of the last event. */
  readonly stop: Effect.Effect<number>
}

/**
 * Three writers append until they are stopped. If the backend declares
 * transactions, some appends commit late, and some roll back.
 */
export const load = (
  nodes: ReadonlyArray<TroubledNode>,
  tally: Tally
): Effect.Effect<Load, never, Nodes | Scope.Scope> =>
  Effect.gen(function* () {
    const { declares } = yield* Nodes
    let isOver = false
    let written = 0
    let last = 0
    let late = 0
    let undone = 0
    const writing = ({ eventStore, transaction }: TroubledNode) =>
      Effect.gen(function* () {
        while (!isOver) {
          const stream = yield* below(12)
          const ns = [1, 1 + stream].slice(yield* below(2))
          const chance = declares("transactions") ? yield* below(10) : 9
          const append = Effect.orDie(add({ eventStore }, tally, `s${stream}`, ...ns))
          const lagging = Effect.tap(append, () => (chance === 0 ? Effect.fail(rolledBack) : Effect.sleep("5 millis")))
          const position =
            chance < 3 ? yield* Effect.catchCause(transaction(lagging), () => Effect.succeed(0)) : yield* append
          if (position > 0) written += ns.length
          if (chance < 3 && position > 0) late++
          if (chance === 0) undone++
          last = Math.max(last, position)
          // Slower in the end, so that a projection can catch up on a slow machine too.
          yield* Effect.sleep(written < 200 ? "20 millis" : "100 millis")
        }
      })
    const writers = Array.from({ length: 3 }, (_, i) => nodes[i % nodes.length]!)
    const fibers = yield* Effect.forEach(writers, (node) => Effect.forkScoped(writing(node)))
    const stop = Effect.suspend(() => {
      isOver = true
      return Effect.map(Fiber.joinAll(fibers), () => last)
    })
    return { written: () => written, late: () => late, rolledBack: () => undone, stop }
  })

const rolledBack = "rolled back"

/** A random whole number from 0 on, below a limit. */
export const below = (limit: number): Effect.Effect<number> => Random.nextIntBetween(0, limit - 1)

/** Waits until something holds that takes no effect to find out. */
export const until = (what: string, holds: () => boolean) => eventually(what, Effect.sync(holds))

/** Waits until a view has applied the events up to a position. */
export const reaches = ({ run }: TroubledNode, views: View.Any | ReadonlyArray<View.Any>, position: number) =>
  run(Projection.waitUntil(views, position, { timeout: "2 minutes" }))

/** Claims until nobody else owns what is claimed. */
export const owned = ({ projectionStore }: TroubledNode, claim: ProjectionStore.Claim) =>
  Effect.flatMap(projectionStore.claim(claim), (claimed) =>
    claimed._tag === "Owned" ? Effect.succeed(claimed) : Effect.fail(notOwned)
  ).pipe(Effect.retry({ while: (error) => error === notOwned, schedule: Schedule.spaced("10 millis") }))

const notOwned = "not owned"

/** The records that a view must have: the fold over the events of the log that count. */
export const law = (
  node: TroubledNode,
  tally: Tally,
  view: Entries,
  counts: (event: Counted) => boolean = () => true
) =>
  Effect.map(Stream.runCollect(node.eventStore.readAll({ aggregates: [tally.name] })), (log) => {
    const given = log.flatMap((recorded) => decoded(tally, recorded))
    return Object.fromEntries(View.fold(view, given.filter(counts)))
  })

const decoded = (tally: Tally, recorded: EventStore.RecordedEvent) => {
  const { id: eventId, ...envelope } = recorded
  return Result.getOrThrow(EventCodec.of(tally).decode(recorded)).map((event, part) => ({
    ...envelope,
    eventId,
    aggregate: tally.name,
    id: Option.getOrThrow(tally.idOf(recorded.streamId)),
    event,
    part
  }))
}

/** An event of the log. */
export type Counted = ReturnType<typeof decoded>[number]

/** The records that a view has. */
export const recordsOf = (node: TroubledNode, view: Entries) =>
  Effect.map(node.run(Records.query(view, Query.from(view))), ({ rows }) =>
    Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

/** Waits until the version of a view answers. */
export const answers = ({ viewStore }: TroubledNode, { name, version }: View.Any) =>
  eventually(
    "the view answers",
    Effect.map(viewStore.status, (all) =>
      all.some((each) => each.view === name && each.version === version && each.serves)
    )
  )

/** The view's records are the fold over its log. */
export const isFolded = Effect.fnUntraced(function* (node: TroubledNode, tally: Tally, view: Entries) {
  assert.deepStrictEqual(yield* recordsOf(node, view), yield* law(node, tally, view))
})

/** Ends the load, waits until the view has applied all events, and compares its records with the fold over the log. */
export const settles = Effect.fnUntraced(function* (node: TroubledNode, tally: Tally, view: Entries, load: Load) {
  const position = yield* load.stop
  assert.isAbove(position, 0)
  yield* reaches(node, view, position)
  yield* isFolded(node, tally, view)
})

/** Runs a projection in a node until the case ends. */
export const projecting = (node: TroubledNode, view: View.Any, options: Projection.Options = {}) =>
  Effect.forkScoped(node.run(Projection.run(view, { ...quick, ...options })))

/** Whether a node has applied events, since a number of its commits. */
export const worked = (node: TroubledNode, since = 0) => node.commits.slice(since).some(({ from, to }) => to > from)

/**
 * No two commits of these nodes cover the same events, epochs never fall, and
 * each epoch belongs to one node.
 */
export const wereOneByOne = (nodes: ReadonlyArray<TroubledNode>): void => {
  const all = nodes.flatMap(({ commits }, node) => commits.map((commit) => ({ ...commit, node })))
  const lines = Map.groupBy(
    all.filter(({ from, to }) => to > from),
    ({ owner: { generation, part = 0 } }) => `${generation.view} ${generation.version} ${generation.build} ${part}`
  )
  for (const line of lines.values()) {
    line.sort((a, b) => a.from - b.from)
    for (const [i, next] of line.entries()) {
      const before = line[i - 1]
      if (before === undefined) continue
      assert.isAtLeast(next.from, before.to)
      assert.isAtLeast(next.owner.epoch, before.owner.epoch)
      if (next.owner.epoch === before.owner.epoch) assert.strictEqual(next.node, before.node)
    }
  }
}

/** The status of all generations of a view. */
export const statusOf = ({ viewStore }: TroubledNode, { name }: { readonly name: string }) =>
  Effect.map(viewStore.status, (all) => all.filter(({ view }) => view === name))
