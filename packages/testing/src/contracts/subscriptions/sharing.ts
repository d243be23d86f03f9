import { assert } from "@effect/vitest"
import { EventStore, Subscription } from "@hexfold/core"
import { Deferred, Effect, Fiber, Random, Schedule, type Scope, Stream } from "effect"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { appendTo, events, horizonOf, newStream, open, readAfter } from "../eventStore/streams.ts"

/** How a subscriber consumes: at once, after some turns of other fibers, or, after its first events, not before it is freed. */
type Pace = "quick" | "slow" | "stuck"

interface Follower {
  /** The positions of the events that it has got, in order. */
  readonly got: Array<number>
  readonly begun: number
  readonly isStuck: boolean
  readonly filters: Pick<Subscription.SubscriptionOptions, "aggregates" | "types">
  /** Interrupts its subscription, and goes on where that has said. */
  readonly begin: Effect.Effect<void, never, Scope.Scope>
  /** Interrupts its subscription for good. */
  readonly end: Effect.Effect<void>
  readonly free: Effect.Effect<void>
}

const follower = (
  { eventStore }: Node,
  after: number,
  filters: Follower["filters"],
  pace: Pace
): Effect.Effect<Follower> =>
  Effect.gen(function* () {
    const got: Array<number> = []
    const gate = yield* Deferred.make<void>()
    let resume: number | EventStore.Position = after
    let running: Fiber.Fiber<unknown, unknown> | undefined
    // It has joined the others by then.
    const stops = yield* Random.nextIntBetween(1, 12)
    const pausing = Effect.suspend(() => {
      if (pace === "slow") return Effect.repeat(Effect.yieldNow, { times: 2 })
      return pace === "stuck" && got.length > stops ? Deferred.await(gate) : Effect.void
    })
    const following = Effect.suspend(() =>
      Subscription.recordedSteps({ after: resume, ...filters }).pipe(
        Stream.runForEach((step) => {
          // What a consumer keeps, it keeps in one step.
          if (step.event !== undefined) got.push(step.event.position)
          resume = step.resume
          return step.event === undefined ? Effect.void : pausing
        }),
        Effect.provideService(EventStore.EventStore, eventStore)
      )
    )
    const end = Effect.suspend(() => (running === undefined ? Effect.void : Fiber.interrupt(running)))
    return {
      got,
      begun: after,
      isStuck: pace === "stuck",
      filters,
      begin: Effect.andThen(
        end,
        Effect.map(Effect.forkScoped(following), (fiber) => void (running = fiber))
      ),
      end,
      free: Effect.asVoid(Deferred.succeed(gate, undefined))
    }
  })

/** Lets other fibers run for a while. */
const turns = Effect.flatMap(Random.nextIntBetween(0, 6), (times) => Effect.repeat(Effect.yieldNow, { times }))

/** A store that takes its time: other fibers run before and between the pages of a read. */
const unhurried = (node: Node): Node => {
  const { eventStore } = node
  const readAll: typeof eventStore.readAll = (options) =>
    Stream.unwrap(
      Effect.map(turns, () =>
        eventStore.readAll(options).pipe(
          Stream.rechunk(100),
          Stream.mapArrayEffect((page) => Effect.as(turns, page))
        )
      )
    )
  return { ...node, eventStore: { ...eventStore, readAll } }
}

/** Waits until something holds that takes no effect to find out. */
const until = (what: string, holds: () => boolean) =>
  Effect.sync(holds).pipe(
    Effect.repeat({ until: (held) => held, schedule: Schedule.spaced("5 millis") }),
    Effect.timeoutOrElse({
      duration: "2 minutes",
      orElse: () => Effect.die(new Error(`it never happened that ${what}`))
    })
  )

const pick = <A>(all: ReadonlyArray<A>) => Effect.map(Random.nextIntBetween(0, all.length - 1), (i) => all[i]!)

/** Subscriptions of some nodes that come, go, lag and go on, while others append. */
const coming = Effect.fnUntraced(function* (
  nodes: ReadonlyArray<Node>,
  { overflows, rounds }: { readonly overflows: boolean; readonly rounds: number }
) {
  const [writer] = nodes as [Node]
  const name = () => `Shared${crypto.randomUUID().replaceAll("-", "")}`
  const [one, two] = [name(), name()]
  const filters: ReadonlyArray<Follower["filters"]> = [
    { aggregates: [one, two] },
    { aggregates: [one] },
    { aggregates: [two], types: ["Odd", "Even"] },
    { aggregates: [one, two, one], types: ["Odd"] },
    { types: [`${one}Rare`] },
    { aggregates: [] },
    { aggregates: [one], types: [] },
    {}
  ]
  const start = yield* horizonOf(writer.eventStore)
  const append = Effect.gen(function* () {
    const [kind, n] = [yield* Random.nextIntBetween(0, 9), yield* Random.nextIntBetween(1, 4)]
    const { eventStore } = yield* pick(nodes)
    const type = kind === 0 ? `${one}Rare` : kind % 2 === 0 ? "Even" : "Odd"
    yield* appendTo(eventStore, newStream(yield* pick([one, two, "Other"])), events(n, type))
  })
  const followers: Array<Follower> = []
  const ended = new Set<Follower>()
  const expectedOf = ({ begun, filters }: Follower, upTo: number) =>
    Effect.map(readAfter(writer.eventStore, begun, { ...filters, upTo }), (events) =>
      events.map(({ position }) => position)
    )
  /** All who are neither stuck nor gone have got what there is. */
  const settled = Effect.gen(function* () {
    const end = yield* horizonOf(writer.eventStore)
    for (const each of followers) {
      if (each.isStuck || ended.has(each)) continue
      const { length } = yield* expectedOf(each, end)
      yield* until("it has got all events so far", () => each.got.length >= length)
    }
  })
  for (let round = 0; round < rounds; round++) {
    const kind = yield* Random.nextIntBetween(0, 9)
    if (followers.length < 4 || kind === 0) {
      const log = yield* readAfter(writer.eventStore, start)
      const after = (yield* Random.nextBoolean) ? start : yield* pick([start, ...log.map(({ position }) => position)])
      const pace = yield* pick(["quick", "quick", "slow", "stuck"] as const)
      const made = yield* follower(yield* pick(nodes), after, yield* pick(filters), pace)
      yield* made.begin
      followers.push(made)
    } else if (kind === 1) {
      const one = yield* pick(followers)
      if (!ended.has(one)) yield* one.begin
    } else if (kind === 2) {
      const one = yield* pick(followers)
      ended.add(one)
      yield* one.end
    } else {
      yield* Effect.all([append, append], { concurrency: "unbounded" })
    }
    for (let turn = yield* Random.nextIntBetween(0, 5); turn > 0; turn--) yield* Effect.yieldNow
    // More than the process keeps for those who are stuck. They have joined the others before.
    if (overflows && round === Math.floor(rounds / 2)) {
      yield* settled
      for (let i = 0; i < 5; i++) yield* appendTo(writer.eventStore, newStream(one), events(1_000, "Odd"))
      yield* settled
    }
  }
  const marker = (yield* appendTo(writer.eventStore, newStream(one), events(1, "Odd"))).events[0]!.position
  for (const { free } of followers) yield* free
  for (const each of followers) {
    const { got } = each
    const expected = yield* expectedOf(each, marker)
    const relevant = () => got.filter((position) => position <= marker)
    if (!ended.has(each)) yield* until("it has got all its events", () => relevant().length >= expected.length)
    // One that has left has got the first of them.
    assert.deepStrictEqual(relevant(), ended.has(each) ? expected.slice(0, relevant().length) : expected)
    yield* each.end
  }
})

/** Subscriptions of one process share the reading of the log. Each is as if it were the only one. */
export const sharing: Cases = {
  "5 subscriptions that come, go, lag and go on get each of their events once and in order": Effect.gen(function* () {
    const node = unhurried(yield* open)
    for (let i = 0; i < 2; i++) yield* Effect.scoped(coming([node], { overflows: i === 1, rounds: 100 }))
  }),

  "5 the same holds in several processes": needs("otherProcesses")(function* () {
    yield* Effect.scoped(coming([unhurried(yield* open), unhurried(yield* open)], { overflows: false, rounds: 100 }))
  })
}
