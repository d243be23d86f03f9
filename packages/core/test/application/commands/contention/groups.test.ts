import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import {
  Aggregate,
  Boundary,
  ConcurrencyConflict,
  Decision,
  EventStore,
  EventStoreError,
  Executor,
  Reason,
  StateCache,
  StreamLocks
} from "@hexfold/core"

import { Cause, Effect, Exit, Fiber, Result, Schedule, Schema } from "effect"
import * as fc from "fast-check"
// That nobody waits and no stream is held can be seen there only.
// oxlint-disable-next-line no-restricted-imports
import { contentionOf } from "../../../../src/application/commands/engine/contention/queues.ts"

// Each event says which command added it, and on which values it was decided. So does each rejection.
const Values = Schema.Record(Schema.String, Schema.Int)
const Change = Schema.TaggedStruct("Change", { n: Schema.String, id: Schema.String, by: Schema.Int })
const Begin = Schema.TaggedStruct("Begin", { n: Schema.String, id: Schema.String })
const Changed = Schema.TaggedStruct("Changed", {
  n: Schema.String,
  by: Schema.Int.check(Schema.isLessThan(9)),
  on: Values
})
class TooLittle extends Schema.TaggedError<TooLittle>()("TooLittle", { on: Values }) {}
class Unlucky extends Error {
  readonly on: Record<string, number>
  constructor(on: Record<string, number>) {
    super("a mistake in decide")
    this.on = on
  }
}

const decide = (n: string, id: string, by: number, on: Record<string, number>) => {
  if (on[id]! + by === 13) throw new Unlucky(on)
  return by === 0
    ? Decision.nothing
    : on[id]! + by < 0
      ? Decision.reject(new TooLittle({ on }))
      : Decision.accept({ _tag: "Changed" as const, n, by, on })
}

const Counter = Aggregate.make("Counter", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Change, Begin],
  begins: ["Begin"],
  events: [Changed],
  errors: [TooLittle],
  decide: {
    Change: ({ by, id, n }, value) => decide(n, id, by, { [id]: value }),
    Begin: ({ id, n }, value) =>
      value === 0
        ? Decision.accept({ _tag: "Changed", n, by: 1, on: { [id]: value } })
        : Decision.reject(new TooLittle({ on: { [id]: value } }))
  },
  evolve: { Changed: (value, { by }) => value + by }
})

const Pair = Schema.TaggedStruct("Pair", { n: Schema.String, a: Schema.String, b: Schema.String, by: Schema.Int })
type Pair = typeof Pair.Type
const Move = Boundary.make("Move", {
  command: Pair,
  participants: ({ a, b }) => ({ a: Counter.at(a), b: Counter.at(b) }),
  errors: [TooLittle],
  decide: (command, states) => {
    const on = { [command.a]: states.a, [command.b]: states.b }
    return Decision.all({
      a: decide(command.n, command.a, -command.by, on),
      b: decide(command.n, command.b, command.by, on)
    })
  }
})
const Watch = Boundary.make("Watch", {
  command: Pair,
  participants: ({ a, b }) => ({ a: Boundary.readOnly(Counter.at(a)), b: Counter.at(b) }),
  errors: [TooLittle],
  decide: ({ a, b, by, n }, states) => Decision.all({ b: decide(n, b, by, { [a]: states.a, [b]: states.b }) })
})
const ids = ["a", "b", "c"]
const followed = (value: number): string => ids[Math.abs(value) % ids.length]!
/** Changes the counter that the value of another one points to. */
const Follow = Boundary.make("Follow", {
  command: Pair,
  participants: ({ a }) =>
    Boundary.discover({ a: Boundary.readOnly(Counter.at(a)) }, ({ a }) => ({ found: Counter.at(followed(a)) })),
  errors: [TooLittle],
  decide: ({ a, by, n }, states) => {
    const found = followed(states.a)
    return Decision.all({ found: decide(n, found, by, { [a]: states.a, [found]: states.found }) })
  }
})
const boundaries = { Move, Watch, Follow }

const id = fc.constantFrom(...ids)
const options = {
  key: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 3 }),
  cached: fc.boolean(),
  retries: fc.constantFrom(0, 3, 1_000, 1_000, 1_000),
  storeRetries: fc.constantFrom(0, 5),
  interruptAfter: fc.option(fc.nat(20), { nil: undefined, freq: 5 })
}
const by = fc.integer({ min: -6, max: 9 })
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom("Change" as const, "Begin" as const), id, by, ...options })
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("Move" as const, "Watch" as const, "Follow" as const),
      a: id,
      b: id,
      by,
      ...options
    })
  }
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** What the store does at each of its operations, in turn. */
const trouble = fc.record({
  yields: fc.nat(4),
  append: fc.constantFrom("", "", "", "", "conflict", "fails", "loses the answer", "refuses", "a neighbour"),
  read: fc.constantFrom("", "", "", "", "", "fails")
})
type Trouble = typeof trouble extends fc.Arbitrary<infer S> ? S : never

const calm: Trouble = { yields: 0, append: "", read: "" }

const down = (operation: "append" | "readStreams") =>
  new EventStoreError({ operation, reason: new Reason.Unavailable({ detail: "down" }) })

type Data = typeof Changed.Type

/** A store in trouble, and the history of what it has recorded: the values after each command. */
const troubled = (troubles: ReadonlyArray<Trouble>) =>
  Effect.gen(function* () {
    const plain = yield* MemoryEventStore.make()
    const problems: Array<string> = []
    const history: Array<Record<string, number>> = [{ a: 0, b: 0, c: 0 }]
    const recorded: Array<{ readonly n: string; readonly events: ReadonlyArray<string> }> = []
    let holds = 0
    // Each kind of operation goes through all troubles, and each of them ends.
    const inTurn = () => {
      let operation = 0
      return () => [...troubles, calm][operation++ % (troubles.length + 1)]!
    }
    const [nextRead, nextAppend] = [inTurn(), inTurn()]
    const pause = (yields: number) => Effect.forEach(Array.from({ length: yields }), () => Effect.yieldNow)

    const note = (parts: ReadonlyArray<EventStore.PartAppended>) => {
      for (const { events } of parts) {
        if (events.length === 0) continue
        const before = history.at(-1)!
        const after = { ...before }
        for (const event of events) {
          const { by, n, on } = event.data as unknown as Data
          for (const id in on) {
            if (on[id] !== before[id])
              problems.push(`${n} was decided on ${JSON.stringify(on)}, not ${JSON.stringify(before)}`)
          }
          after[event.streamId.slice("Counter-".length)]! += by
          expect(n).toBe((events[0]!.data as unknown as Data).n)
        }
        history.push(after)
        recorded.push({ n: (events[0]!.data as unknown as Data).n, events: events.map(({ id }) => id) })
      }
    }
    const append = (given: EventStore.Append) =>
      Effect.tap(plain.append(given), (appended) =>
        Effect.sync(() => (appended._tag === "Appended" ? note(appended.parts) : undefined))
      )
    // A repeat is answered first, as by every store.
    const conflicting = (given: EventStore.Append, appending: ReturnType<typeof append>) =>
      Effect.gen(function* () {
        const [condition] = given.conditions
        for (const { command } of given.parts) {
          if (command !== undefined && (yield* plain.readStreams([], command)).appended !== undefined)
            return yield* appending
        }
        if (condition === undefined) return yield* appending
        const { expected, streamId: stream } = condition
        return yield* Effect.fail(new ConcurrencyConflict({ stream, expected, actual: 99, attempts: 1 }))
      })
    let neighbours = 0
    /** Another process. */
    const neighbour = Effect.suspend(() =>
      Executor.execute(Counter, ids[neighbours % 3]!, {
        _tag: "Change",
        n: `neighbour ${neighbours++}`,
        id: ids[(neighbours - 1) % 3]!,
        by: 2
      })
    ).pipe(
      Effect.provideService(EventStore.EventStore, { ...plain, append }),
      Effect.provideService(StateCache.Current, undefined),
      Effect.exit
    )
    const store: EventStore.EventStore["Service"] = {
      ...plain,
      readStreams: (requests, command) =>
        Effect.suspend(() => {
          const { read, yields } = nextRead()
          if (read === "fails") return Effect.andThen(pause(yields), Effect.fail(down("readStreams")))
          return Effect.andThen(pause(yields), plain.readStreams(requests, command))
        }),
      append: (given) =>
        Effect.suspend(() => {
          const { append: what, yields } = nextAppend()
          const appending = Effect.suspend(() => append(given))
          switch (what) {
            case "conflict":
              return Effect.andThen(pause(yields), conflicting(given, appending))
            case "fails":
              return Effect.andThen(pause(yields), Effect.fail(down("append")))
            case "loses the answer":
              return Effect.andThen(pause(yields), appending).pipe(
                Effect.andThen(pause(yields)),
                Effect.andThen(Effect.fail(down("append")))
              )
            case "refuses":
              return given.parts.length < 2
                ? appending
                : Effect.fail(
                    new EventStoreError({ operation: "append", reason: new Reason.Rejected({ detail: "no" }) })
                  )
            case "a neighbour":
              return Effect.andThen(neighbour, appending)
            default:
              return Effect.andThen(pause(yields), appending)
          }
        })
    }
    const locks: StreamLocks.StreamLocks["Service"] = {
      hold: (_streams, _ids, effect) => Effect.suspend(() => (holds++, effect))
    }
    return { store, locks, problems, history, recorded, holds: () => holds, plain }
  })

const commandOf = (
  step: Step,
  n: string
): { readonly n: string; readonly execution: ReturnType<typeof executionOf> } => {
  // Commands with one id are mostly the same command. Some are not, and are refused.
  const name =
    step.key === undefined
      ? n
      : `key ${step.key} ${JSON.stringify([step.kind, step.by, "id" in step ? step.id : [step.a, step.b]])}`
  return { n: name, execution: executionOf(step, name) }
}

const executionOf = (step: Step, n: string) => {
  const { by, key, retries, storeRetries } = step
  const options = {
    retry: Schedule.recurs(retries),
    retryStore: Schedule.recurs(storeRetries),
    ...(key === undefined ? {} : { commandId: `key ${key}` })
  }
  const asIs: Effect.Effect<
    { readonly events: ReadonlyArray<EventStore.RecordedEvent<Data>>; readonly repeated: boolean },
    unknown,
    EventStore.EventStore
  > =
    "id" in step
      ? Executor.execute(
          Counter,
          step.id,
          step.kind === "Begin" ? { _tag: "Begin", n, id: step.id } : { _tag: "Change", n, id: step.id, by },
          {
            ...options,
            // A rule on the state that the command is decided on.
            require: ({ state }) =>
              state < 40 ? Result.succeed(true) : Result.fail(new TooLittle({ on: { [step.id]: state } }))
          }
        )
      : Executor.execute(boundaries[step.kind], { _tag: "Pair", n, a: step.a, b: step.b, by }, options)
  return asIs
}

/** Runs fibers of commands on a store in trouble, and checks every answer against the history. */
const played = (fibers: ReadonlyArray<ReadonlyArray<Step>>, troubles: ReadonlyArray<Trouble>) =>
  Effect.gen(function* () {
    const { history, locks, plain, problems, recorded, store } = yield* troubled(troubles)
    const answered = new Map<string, ReadonlyArray<string>>()
    const endings = new Map<string, Set<string>>()
    const wasTrue = (on: Record<string, number>, since: number) =>
      history.slice(since).some((values) => Object.keys(on).every((id) => values[id] === on[id]))

    const run = (step: Step, name: string) =>
      Effect.gen(function* () {
        // One stream in two roles that both write is a mistake of another kind.
        if ("a" in step && step.a === step.b && step.kind !== "Follow") return undefined
        const { execution, n } = commandOf(step, name)
        const since = history.length - 1
        const running = yield* Effect.forkChild(
          step.cached ? execution : Effect.provideService(execution, StateCache.Current, undefined),
          { startImmediately: true }
        )
        if (step.interruptAfter !== undefined) {
          yield* Effect.forEach(Array.from({ length: step.interruptAfter }), () => Effect.yieldNow)
          yield* Fiber.interrupt(running)
        }
        const exit = yield* Fiber.await(running)
        const ended = (how: string) => void endings.set(n, (endings.get(n) ?? new Set()).add(how))
        if (Exit.isSuccess(exit)) {
          const events = exit.value.events.map(({ id }) => id)
          if (exit.value.events.some(({ data }) => data.n !== n))
            problems.push(`${n} has the receipt of another command`)
          const first = answered.get(n)
          if (first !== undefined) expect(events).toEqual(first)
          answered.set(n, events)
          return ended("accepted")
        }
        const error = Cause.squash(exit.cause)
        if (error instanceof TooLittle || error instanceof Unlucky) {
          if (!wasTrue(error.on, since))
            problems.push(`${n} was answered on ${JSON.stringify(error.on)}, which was never true`)
          return ended("rejected")
        }
        const tag = (error as { readonly _tag?: string })._tag ?? "interrupted"
        if (tag === "ConcurrencyConflict" && step.retries === 1_000) problems.push(`${n} gave up`)
        const known = ["ConcurrencyConflict", "CommandIdReused", "EventStoreError", "InvalidDecision", "InvalidCommand"]
        if (!known.includes(tag) && step.interruptAfter === undefined)
          problems.push(`${n} failed: ${Cause.pretty(exit.cause)}`)
        return ended(tag)
      })

    const cache = StateCache.make({ capacity: 2 })
    const running = yield* Effect.forEach(fibers, (steps, f) =>
      Effect.forkChild(
        Effect.forEach(steps, (step, i) => run(step, `${f}.${i}`), { discard: true }).pipe(
          Effect.provideService(EventStore.EventStore, store),
          Effect.provideService(StreamLocks.StreamLocks, locks),
          Effect.provideService(StateCache.Current, cache)
        )
      )
    )
    for (const fiber of running) yield* Fiber.join(fiber)
    // An interrupted command may still be in an append.
    yield* Effect.yieldNow.pipe(
      Effect.repeat({ until: () => contentionOf(store).queue.streams() === 0, times: 10_000 })
    )

    const times = new Map<string, number>()
    for (const { events, n } of recorded) {
      times.set(n, (times.get(n) ?? 0) + 1)
      const answer = answered.get(n)
      if (answer !== undefined) expect(events).toEqual(answer)
    }
    for (const [n, count] of times) if (count > 1) problems.push(`${n} happened ${count} times`)
    for (const [n, events] of answered) {
      if (events.length > 0 && times.get(n) !== 1) problems.push(`${n} has a receipt and has not happened`)
    }
    for (const [n, how] of endings) {
      const unknown = ["accepted", "EventStoreError", "interrupted"].some((each) => how.has(each))
      if (!unknown && times.has(n)) problems.push(`${n} ended with ${[...how].join(", ")} and has happened`)
    }
    expect(problems).toEqual([])
    expect([contentionOf(store).queue.waiting(), contentionOf(store).queue.streams()]).toEqual([0, 0])
    for (const id of ids) {
      const { state } = yield* Effect.provideService(Executor.load(Counter, id), EventStore.EventStore, plain)
      expect(state).toBe(history.at(-1)![id])
    }
  })

const plain = { key: undefined, cached: false, retries: 0, storeRetries: 0, interruptAfter: undefined } as const

describe("commands that are decided together", () => {
  it("do not say that one has met a conflict which has happened in an append without an answer", () =>
    Effect.runPromise(
      played(
        [
          [{ kind: "Begin", id: "b", by: 0, ...plain, key: 0, storeRetries: 5 }],
          [
            { kind: "Change", id: "b", by: 0, ...plain },
            { kind: "Move", a: "a", b: "b", by: 0, ...plain }
          ],
          [{ kind: "Move", a: "c", b: "a", by: 0, ...plain }],
          [{ kind: "Change", id: "a", by: 1, ...plain }]
        ],
        [{ ...calm, yields: 1, append: "loses the answer" }, calm, calm, { ...calm, append: "conflict" }, calm]
      )
    ))

  it("get answers that the log explains, also when the store fails and callers are interrupted", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 }),
        fc.array(trouble, { minLength: 1, maxLength: 30 }),
        (fibers, troubles) => Effect.runPromise(played(fibers, troubles))
      ),
      { numRuns: 150 }
    ))
})
