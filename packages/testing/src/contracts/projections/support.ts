import { assert } from "@effect/vitest"
import { Aggregate, Decision, type EventStore, Projection, Query, Records, View } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Effect, Fiber, Option, Random, Result, Schema, type Scope, Stream } from "effect"
import type { Process } from "./node.ts"

/** Leases are short, for the cases wait for their ends in real time. */
export const quick = { lease: "300 millis", pause: "20 millis", batch: 20 } as const

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

/** How the view of a case differs from others. */
export interface Definition {
  readonly name?: string
  readonly version?: number
  readonly onPoison?: View.OnPoison
  /** For which numbers the view's handler throws. */
  readonly isPoison?: (n: number) => boolean
}

/** A view that shows for each stream, and under `all` for all, which events were applied and in which order. */
export const viewOf = (
  tally: Tally,
  { isPoison = () => false, name = "Entries", onPoison = "stop", version = 1 }: Definition = {}
) =>
  View.make(`${name}_${tally.name}`, {
    from: [tally],
    version,
    onPoison,
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

/** Appends numbers to a stream, and gives the position of the last one. */
export const add = ({ events }: Pick<Process, "events">, tally: Tally, id: string, ...ns: ReadonlyArray<number>) => {
  const written = ns.map((n) => {
    const id = crypto.randomUUID()
    return { id, type: "Added", data: { _tag: "Added", n }, metadata: { correlationId: id, causationId: id } }
  })
  const append = { writes: [{ streamId: tally.streamId(id), events: written }], conditions: [] }
  return Effect.map(events.append(append), ({ events }) => events.at(-1)!.position)
}

/** Those who write while a case goes on. */
export interface Load {
  /** How much was written so far. */
  readonly written: () => number
  /** Ends them, and gives the position of the last event. */
  readonly stop: Effect.Effect<number>
}

/**
 * Several writers append all the time, until they are stopped. Where there are
 * transactions some appends commit late, and some roll back.
 */
export const load = (processes: ReadonlyArray<Process>, tally: Tally): Effect.Effect<Load, never, Scope.Scope> =>
  Effect.gen(function* () {
    let isOver = false
    let written = 0
    let last = 0
    const writing = ({ events, transaction }: Process) =>
      Effect.gen(function* () {
        while (!isOver) {
          const stream = yield* below(12)
          const ns = [1, 1 + stream].slice(yield* below(2))
          const chance = transaction === undefined ? 9 : yield* below(10)
          const append = Effect.orDie(add({ events }, tally, `s${stream}`, ...ns))
          const late = Effect.tap(append, () => (chance === 0 ? Effect.fail(rolledBack) : Effect.sleep("5 millis")))
          const position =
            chance < 3 && transaction !== undefined
              ? yield* Effect.catchCause(transaction(late), () => Effect.succeed(0))
              : yield* append
          if (position > 0) written += ns.length
          last = Math.max(last, position)
          // Slower in the end, so that who has to catch up can, also on a slow machine.
          yield* Effect.sleep(written < 500 ? "10 millis" : "100 millis")
        }
      })
    const writers = Array.from({ length: 3 }, (_, i) => processes[i % processes.length]!)
    const fibers = yield* Effect.forEach(writers, (process) => Effect.forkScoped(writing(process)))
    const stop = Effect.suspend(() => {
      isOver = true
      return Effect.map(Fiber.joinAll(fibers), () => last)
    })
    return { written: () => written, stop }
  })

const rolledBack = "rolled back"

/** A random whole number from 0 on, below another. */
export const below = (limit: number): Effect.Effect<number> => Random.nextIntBetween(0, limit - 1)

/** Waits until something holds. */
export const eventually = <E, R>(what: string, holds: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.gen(function* () {
    for (let tries = 0; !(yield* holds); tries++) {
      if (tries === 1_000) throw new Error(`it never came to hold: ${what}`)
      yield* Effect.sleep("10 millis")
    }
  })

/** Waits until something holds that is known at once. */
export const until = (what: string, holds: () => boolean) => eventually(what, Effect.sync(holds))

/** The records that a view must have: the fold over the log, or over those of its events that count. */
export const law = (process: Process, tally: Tally, view: Entries, counts: (event: Counted) => boolean = () => true) =>
  Effect.map(Stream.runCollect(process.events.readAll({ aggregates: [tally.name] })), (log) => {
    const given = log.map((recorded) => decoded(tally, recorded))
    return Object.fromEntries(View.fold(view, given.filter(counts)))
  })

const decoded = (tally: Tally, recorded: EventStore.RecordedEvent) => {
  const { id: eventId, ...envelope } = recorded
  return {
    ...envelope,
    eventId,
    aggregate: tally.name,
    id: Option.getOrThrow(tally.idOf(recorded.streamId)),
    event: Result.getOrThrow(EventCodec.of(tally).decode(recorded))
  }
}

/** An event of the log. */
export type Counted = ReturnType<typeof decoded>

/** The records that a view has. */
export const recordsOf = (process: Process, view: Entries) =>
  Effect.map(process.run(Records.query(view, Query.from(view))), ({ rows }) =>
    Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

/** The view's records are the fold over its log. */
export const isFolded = Effect.fnUntraced(function* (process: Process, tally: Tally, view: Entries) {
  assert.deepStrictEqual(yield* recordsOf(process, view), yield* law(process, tally, view))
})

/** Ends the load, waits until the view has all events, and compares its records with the fold over the log. */
export const settles = Effect.fnUntraced(function* (process: Process, tally: Tally, view: Entries, load: Load) {
  const position = yield* load.stop
  assert.isAbove(position, 0)
  yield* process.run(Projection.waitUntil(view, position, { timeout: "20 seconds" }))
  yield* isFolded(process, tally, view)
})

/** Runs a projection in a process, for as long as the case goes on. */
export const projecting = (process: Process, view: View.Any, options: Projection.Options = {}) =>
  Effect.forkScoped(process.run(Projection.run(view, { ...quick, ...options })))

/** How many events were applied from a process. */
export const worked = (process: Process, since = 0) => process.commits.slice(since).some(({ from, to }) => to > from)

/**
 * No two of the commits of some processes cover the same events, epochs only
 * grow from one to the next, and each belongs to one process.
 */
export const wereOneByOne = (processes: ReadonlyArray<Process>): void => {
  const all = processes.flatMap(({ commits }, process) => commits.map((commit) => ({ ...commit, process })))
  const lines = Map.groupBy(
    all.filter(({ from, to }) => to > from),
    ({ generation, part = 0 }) => `${generation.view} ${generation.version} ${generation.build} ${part}`
  )
  for (const line of lines.values()) {
    line.sort((a, b) => a.from - b.from)
    for (const [i, next] of line.entries()) {
      const before = line[i - 1]
      if (before === undefined) continue
      assert.isAtLeast(next.from, before.to)
      assert.isAtLeast(next.epoch, before.epoch)
      if (next.epoch === before.epoch) assert.strictEqual(next.process, before.process)
    }
  }
}

/** All generations of a view. */
export const statusOf = ({ views }: Process, { name }: { readonly name: string }) =>
  Effect.map(views.status, (all) => all.filter(({ view }) => view === name))
