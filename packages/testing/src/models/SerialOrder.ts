/**
 * Checks the recorded history of concurrent commands: is there one order in
 * which they could have run one after the other?
 *
 * A history is accepted exactly if its operations can be put in one order so that
 *
 * 1. each receipt and each rejection is what the model says at its place,
 * 2. an operation comes after each one with an event at or below its `after`, and
 *    after each one that `ended` before it `began`,
 * 3. the events of each stream come in the order of their versions, each version once.
 *
 * Positions of different streams need not be in order. If all operations say when
 * they began and ended, this is strict serializability: each command takes effect
 * at one moment between its call and its answer. Without any of these times it is
 * serializability, in an order that keeps the versions. Two things are not asked:
 * whether events are missing between the given ones, and what the store's later
 * readers see.
 *
 * The problem is NP-complete (Gibbons and Korach, "Testing shared memories", SIAM
 * Journal on Computing 26, 1997), so the search has a limit. Below it the answer
 * is complete; at the limit it is `Undecided`. The search is that of Wing and Gong
 * ("Testing and verifying concurrent objects", Journal of Parallel and Distributed
 * Computing 17, 1993) with the memory of Lowe ("Testing for linearizability",
 * Concurrency and Computation 29, 2017, https://doi.org/10.1002/cpe.3928): partial
 * orders of the same operations that reach the same state are followed once.
 *
 * Three things are added to that search. (1) An operation without events changes no
 * state. So it stands at the first place where the model agrees. (2) A partial order
 * that has placed fewer such operations is no better than one that has failed.
 * (3) The search tries the order of positions first, which explains nearly every right
 * history. Then it tries orders with few detours from it, then with more, and at last
 * all (limited discrepancy search, Harvey and Ginsberg, IJCAI 1995).
 */
import type { EventStore } from "@hexfold/core"
import { Equal, Result } from "effect"
import { arrange, blocker, type Entry, place, remove } from "./precedence.ts"

/**
 * A command that was executed, and its outcome. Leave out receipts that are
 * `repeated`, and commands of which nothing is known; what a command without an
 * answer has recorded can be read from the store.
 */
export interface Operation<Command, Event, Error> {
  readonly command: Command
  /** The recorded events, possibly none, or the error that rejected the command. */
  readonly outcome: Result.Result<ReadonlyArray<EventStore.RecordedEvent<Event>>, Error>
  /**
   * A horizon of the store: the position up to which everything was recorded
   * when the command began. The position of a receipt is not a horizon, because
   * an append with a lower one may still be under way. It is 0 if it is not known.
   */
  readonly after?: number | undefined
  /** When the command was called, by a clock of all operations: a counter, or `performance.now()`. */
  readonly began?: number | undefined
  /** When its caller had the outcome, by the same clock. */
  readonly ended?: number | undefined
}

/**
 * What the commands should do, one after the other. Both functions are pure, and
 * states that are `Equal` are one state.
 */
export interface Model<State, Command, Event, Error> {
  readonly initial: State
  readonly decide: (command: Command, state: State) => Result.Result<ReadonlyArray<Event>, Error>
  readonly evolve: (state: State, event: EventStore.RecordedEvent<Event>) => State
}

/** How far the search has come: an operation that could not be placed after the longest partial order. */
export interface Evidence<Command, Event, Error> {
  readonly operation: Operation<Command, Event, Error>
  /** What the model says of the operation after `placed`. */
  readonly expected: Result.Result<ReadonlyArray<Event>, Error>
  /**
   * The operation that had to come first, by a time or by the versions of a stream,
   * and could not be placed either. It is the operation itself if its own times or
   * versions contradict each other. It is undefined if only the outcome is wrong.
   */
  readonly waitsFor: Operation<Command, Event, Error> | undefined
  /** The longest partial order, in which each outcome is explained. */
  readonly placed: ReadonlyArray<Operation<Command, Event, Error>>
}

/** No order explains all operations. */
export interface Unexplained<Command, Event, Error> extends Evidence<Command, Event, Error> {
  readonly _tag: "Unexplained"
}

/** The limit of the search was reached: an order may exist or not. */
export interface Undecided<Command, Event, Error> extends Evidence<Command, Event, Error> {
  readonly _tag: "Undecided"
  readonly limit: number
}

/** How long the search may be. */
export interface Options {
  /** After how many partial orders that lead nowhere the search gives up. Default: 100,000. */
  readonly limit?: number | undefined
}

/**
 * The operations in a serial order that explains all of them, or why there is
 * none: the rules stand at the beginning of this module. Events, errors and
 * states are compared by `Equal`.
 *
 * @example
 * ```ts
 * import { SerialOrder } from "@hexfold/testing"
 * import { Result } from "effect"
 *
 * declare const operations: ReadonlyArray<SerialOrder.Operation<"take", "taken", "sold out">>
 *
 * const order = SerialOrder.explain(operations, {
 *   initial: 10,
 *   decide: (_, left) => left > 0 ? Result.succeed(["taken"] as const) : Result.fail("sold out" as const),
 *   evolve: (left) => left - 1
 * })
 * if (Result.isFailure(order)) {
 *   const { _tag, expected, operation } = order.failure
 *   console.error(_tag, "the model expected", expected, "of", operation)
 * }
 * ```
 */
export const explain = <State, Command, Event, Error>(
  operations: ReadonlyArray<Operation<Command, Event, Error>>,
  model: Model<State, Command, Event, Error>,
  options: Options = {}
): Result.Result<
  ReadonlyArray<Operation<Command, Event, Error>>,
  Unexplained<Command, Event, Error> | Undecided<Command, Event, Error>
> => {
  type Placed = Entry<Operation<Command, Event, Error>>
  const { limit = 100_000 } = options
  const { silent, writers } = arrange(operations, boundsOf)
  const failures = new Map<bigint, Array<Failure<State>>>()
  const order: Array<Placed> = []
  let longest: ReadonlyArray<Placed> = []
  let deadEnds = 0

  const put = (entry: Placed): void => {
    place(entry)
    order.push(entry)
  }
  const takeBackTo = (length: number): void => {
    while (order.length > length) remove(order.pop()!)
  }
  const fits = (entry: Placed, state: State): boolean =>
    !entry.placed &&
    blocker(entry) === undefined &&
    agrees(model.decide(entry.operation.command, state), entry.operation)
  const evolveWith = (state: State, { operation }: Placed): State => eventsOf(operation).reduce(model.evolve, state)

  // One pass is enough: of two operations without events the one that must come first began first.
  const placeSilent = (state: State, placed: bigint): bigint => {
    for (const [i, entry] of silent.entries()) {
      if (!fits(entry, state)) continue
      put(entry)
      placed |= bit(i)
    }
    return placed
  }

  const begin = (state: State, written: bigint, silentBefore: bigint, detours: number, from: number): Step<State> => ({
    state,
    written,
    silent: placeSilent(state, silentBefore),
    detours,
    from,
    next: 0,
    tried: 0,
    cut: false
  })

  /** A failure from which follows that this step fails too. */
  const knownFailure = ({ detours, silent, state, written }: Step<State>): Failure<State> | undefined =>
    failures
      .get(written)
      ?.find(
        (failure) =>
          failure.detours >= detours && (silent & ~failure.silent) === 0n && Equal.equals(failure.state, state)
      )

  const remember = ({ cut, detours, silent, state, written }: Step<State>): void => {
    const failure = { state, silent, detours: cut ? detours : Infinity }
    const known = failures.get(written)
    if (known === undefined) failures.set(written, [failure])
    else known.push(failure)
  }

  /** Follows all orders with at most so many detours, until one explains everything. */
  const search = (detours: number): "found" | "limit" | "cut" | "none" => {
    const steps = [begin(model.initial, 0n, 0n, detours, 0)]
    for (;;) {
      const step = steps.at(-1)!
      if (order.length === operations.length) return "found"
      while (step.next < writers.length && !fits(writers[step.next]!, step.state)) step.next++
      const isDetour = step.tried > 0
      if (step.next < writers.length && isDetour && step.detours === 0) {
        step.cut = true
        step.next = writers.length
      }
      const entry = writers[step.next]
      if (entry !== undefined) {
        const [i, from] = [step.next++, order.length]
        step.tried++
        put(entry)
        const state = evolveWith(step.state, entry)
        const next = begin(state, step.written | bit(i), step.silent, step.detours - (isDetour ? 1 : 0), from)
        const known = knownFailure(next)
        if (known === undefined) {
          steps.push(next)
          continue
        }
        step.cut ||= known.detours < Infinity
        takeBackTo(from)
      } else {
        if (order.length > longest.length || longest.length === 0) longest = [...order]
        remember(step)
        takeBackTo(step.from)
        steps.pop()
        const last = steps.at(-1)
        if (last === undefined) return step.cut ? "cut" : "none"
        last.cut ||= step.cut
      }
      if (++deadEnds > limit) return "limit"
    }
  }

  const evidence = (): Evidence<Command, Event, Error> => {
    takeBackTo(0)
    for (const entry of longest) put(entry)
    const state = longest.reduce(evolveWith, model.initial)
    const rest = [...writers, ...silent].filter(({ placed }) => !placed)
    const entry = rest.find((each) => blocker(each) === undefined) ?? rest[0]!
    return {
      operation: entry.operation,
      expected: model.decide(entry.operation.command, state),
      waitsFor: blocker(entry)?.operation,
      placed: longest.map(({ operation }) => operation)
    }
  }

  // The last round has no bound on detours: it follows every order that is not known to fail.
  for (let detours = 0; ; detours = detours < writers.length ? 2 * detours + 1 : Infinity) {
    const found = search(detours)
    if (found === "found") return Result.succeed(order.map(({ operation }) => operation))
    if (found === "limit") return Result.fail({ _tag: "Undecided", ...evidence(), limit })
    if (found === "none") return Result.fail({ _tag: "Unexplained", ...evidence() })
  }
}

/** A partial order: everything that is placed up to here, and what is to be tried next. */
interface Step<State> {
  readonly state: State
  readonly written: bigint
  readonly silent: bigint
  /** How many detours are allowed from here. */
  readonly detours: number
  /** How many operations were placed before. */
  readonly from: number
  next: number
  tried: number
  /** Whether an order was left out because of its detours. */
  cut: boolean
}

/** A partial order that leads nowhere with so many detours. */
interface Failure<State> {
  readonly state: State
  readonly silent: bigint
  readonly detours: number
}

type AnyOperation<Event> = Operation<unknown, Event, unknown>

const eventsOf = <Event>({ outcome }: AnyOperation<Event>): ReadonlyArray<EventStore.RecordedEvent<Event>> =>
  Result.isSuccess(outcome) ? outcome.success : []

const boundsOf = (operation: AnyOperation<unknown>) => {
  const events = eventsOf(operation)
  return {
    events,
    first: events.reduce((lowest, { position }) => Math.min(lowest, position), Infinity),
    after: operation.after ?? 0,
    began: operation.began ?? -Infinity,
    ended: operation.ended ?? Infinity
  }
}

const bit = (i: number): bigint => 1n << BigInt(i)

const agrees = <Event>(
  expected: Result.Result<ReadonlyArray<Event>, unknown>,
  { outcome }: AnyOperation<Event>
): boolean =>
  Result.isSuccess(expected)
    ? Result.isSuccess(outcome) &&
      Equal.equals(
        expected.success,
        outcome.success.map(({ data }) => data)
      )
    : Result.isFailure(outcome) && Equal.equals(expected.failure, outcome.failure)
