/**
 * What an operator can do about processes: restart one from a recorded step, and cancel and resume many.
 *
 * Each order is recorded as an event of the process' own stream, with who has given it and why, before anything is done. So
 * the history of the process tells it, and an order is carried out also if the operator's own program ends after it: by the
 * owner of the process, which follows orders like any event.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Instance, Log, Order } from "../../domain/process/log.ts"
import type * as Process from "../../domain/process/Process.ts"
import { thrownText } from "../../domain/texts.ts"
import type { DeadLetter } from "../../ports/deadLetter.ts"
import { EventStore } from "../../ports/EventStore.ts"
import type { ProjectionStore } from "../../ports/ProjectionStore.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import * as Executor from "../commands/Executor.ts"
import type { ExecuteError } from "../commands/options.ts"
import * as Retrying from "./consuming/retrying.ts"
import { type ReactionFailed, RestartRefused } from "./errors.ts"
import * as Machine from "./processes/machine.ts"
import { pastOf } from "./processes/past.ts"
import { reactionOf } from "./processes/running.ts"

/** A process whose state is known. */
export interface Operated<State> extends Omit<Process.Any, "log"> {
  readonly log: Log<State>
}

/** Who gives an order, and why. Both are recorded, and must not be empty. */
export interface By {
  readonly by: string
  readonly why: string
  /**
   * The id of the order. An order that is given again under the same id, because its first answer was lost, is not given
   * twice. Without an id it is.
   */
  readonly orderId?: string
}

/** From where a process is restarted. */
export interface RestartOptions extends By {
  /** The number of a recorded step, from 1 on. */
  readonly step: number
  /**
   * What becomes of the commands of the step. `again`, the default: they are executed once more, under new ids. `once`: a
   * command that equals one of the recorded step keeps the id of that one. The store then executes it only if it has not
   * been executed yet. The store knows this for as long as it keeps command ids: see `commandRetention`. A command that was
   * rejected is executed again in any case.
   */
  readonly commands?: "again" | "once"
}

/** Which processes are meant. */
export interface Selection<State> {
  /**
   * The keys of the processes; `parked` for all whose key is parked; `all` for all that have recorded something. For `all` the
   * whole log of the process is read: where there are many, ask a view of it for the keys.
   */
  readonly keys: ReadonlyArray<string> | "parked" | "all"
  /** Of these only those for which it holds. */
  readonly where?: (instance: Instance<State>, key: string) => boolean
}

/** What an order to several processes has come to. */
export interface Outcome {
  /** The keys of the processes that have recorded the order. The others had nothing to do for it. */
  readonly ordered: ReadonlyArray<string>
  /** The event that fails now, for each of them whose key is still parked. */
  readonly parked: ReadonlyArray<DeadLetter>
  /** Why an order was not recorded, or was recorded and is not carried out yet: then the owner of the process tries it. */
  readonly failed: ReadonlyArray<{ readonly key: string; readonly error: ReactionFailed | Failure }>
}

/** Why an order is not recorded, or the parked events of a key are not handled. */
export type Failure = ExecuteError | Executor.LoadError | Retrying.RetryFailure

type Stores = EventStore | ProjectionStore | ViewStore

/**
 * Takes a recorded step of a process again, with the present program: from the state before the step, for the event, the
 * rejection or the timeout that has caused it.
 *
 * - The commands of the step are executed again, under ids that are derived from the order: see `commands`. Commands of
 *   other steps that have no answer yet are not sent any more, and an answer to them does nothing.
 * - All timeouts are taken back, and those of the step are asked for anew. `after` counts from the time of the order.
 * - The process runs, also if it had ended or was cancelled. Events that came while it had ended are not handled.
 * - If its key is parked, the parked events are handled after that.
 *
 * Fails with `RestartRefused` if there is no such step, or if the program cannot take it; nothing is recorded then. Fails with
 * `ReactionFailed` if a command cannot be executed: the order is recorded, and the owner of the process goes on with it.
 *
 * @example
 * ```ts
 * import { Operator, type Process } from "@hexfold/core"
 *
 * declare const Fulfilment: Operator.Operated<{ readonly paid: boolean }>
 *
 * const program = Operator.restart(Fulfilment, "17", { step: 1, by: "anna", why: "the bank was down" })
 * ```
 */
export const restart = <State>(
  process: Operated<State>,
  key: string,
  { by, commands, orderId, step, why }: RestartOptions
): Effect.Effect<void, ReactionFailed | RestartRefused | Failure, Stores> =>
  Effect.gen(function* () {
    const order = { order: "restart" as const, step, ...(commands && { commands }), by, why }
    yield* check(process, key, order)
    const { failed } = yield* give(process, key, order, orderId)
    if (failed !== undefined) return yield* failed
  })

/**
 * Cancels processes: they end where they are. Nothing is compensated. Commands that have no answer yet are not sent, timeouts
 * are taken back, and later events do nothing. {@link resume} lets a cancelled process go on, and {@link restart} takes one of
 * its steps again. The parked events of their keys count as done.
 *
 * @example
 * ```ts
 * import { Operator } from "@hexfold/core"
 *
 * declare const Fulfilment: Operator.Operated<{ readonly paid: boolean }>
 *
 * const program = Operator.cancel(Fulfilment, {
 *   keys: "all",
 *   where: ({ state }) => !state.paid,
 *   by: "anna",
 *   why: "the shop closes"
 * })
 * ```
 */
export const cancel = <State>(
  process: Operated<State>,
  selection: Selection<State> & By
): Effect.Effect<Outcome, Failure, Stores> =>
  each(process, selection, "cancel", ({ status }, isParked) => status !== "new" || isParked)

/**
 * Lets processes go on that wait for an operator. Those that were cancelled send the commands that had no answer, under
 * their ids, and ask for their timeouts again: one whose time is over comes at once. Those whose key is parked handle their
 * events again, as with `Reactor.retryParked`, but with a record of who has ordered it.
 *
 * @example
 * ```ts
 * import { Operator } from "@hexfold/core"
 *
 * declare const Fulfilment: Operator.Operated<{ readonly paid: boolean }>
 *
 * const program = Operator.resume(Fulfilment, { keys: "parked", by: "anna", why: "the bank is back" })
 * ```
 */
export const resume = <State>(
  process: Operated<State>,
  selection: Selection<State> & By
): Effect.Effect<Outcome, Failure, Stores> =>
  each(process, selection, "resume", ({ status }, isParked) => status === "cancelled" || isParked)

/** Gives an order to each of the processes that are meant, if there is something to do for it. */
const each = <State>(
  process: Operated<State>,
  { by, keys, orderId, where, why }: Selection<State> & By,
  order: "cancel" | "resume",
  isMeant: (instance: Instance<State>, isParked: boolean) => boolean
): Effect.Effect<Outcome, Failure, Stores> =>
  Effect.gen(function* () {
    const ordered: Array<string> = []
    const parked: Array<DeadLetter> = []
    const failed: Array<Outcome["failed"][number]> = []
    const one = Effect.fnUntraced(function* (key: string) {
      const { state: instance } = yield* Executor.load(process.log, key)
      if (where?.(instance, key) === false) return
      if (!isMeant(instance, yield* Retrying.isParked(process, key))) return
      const given = yield* give(process, key, { order, by, why }, orderId)
      if (!given.isRecorded) return
      ordered.push(key)
      if (given.failed !== undefined) failed.push({ key, error: given.failed })
      if (given.parked !== undefined) parked.push(given.parked)
    })
    yield* keysOf(process, keys).pipe(
      Stream.mapEffect(
        (key) => one(key).pipe(Effect.catch((error) => Effect.sync(() => void failed.push({ key, error })))),
        { concurrency: atOnce }
      ),
      Stream.runDrain
    )
    return { ordered, parked, failed }
  })

/** The keys that are meant, each once. */
const keysOf = <State>(
  process: Operated<State>,
  keys: Selection<State>["keys"]
): Stream.Stream<string, Failure, Stores> => {
  if (keys === "parked") {
    const seen = new Set<string>()
    return Retrying.deadLetters(process, { parked: true }).pipe(
      Stream.map(({ key }) => key),
      Stream.filter((key) => !seen.has(key) && seen.add(key).size > 0)
    )
  }
  if (keys !== "all") return Stream.fromIterable(new Set(keys))
  return Stream.unwrap(
    Effect.map(EventStore, ({ readAll }) =>
      readAll({ aggregates: [process.log.name] }).pipe(
        // Each stream has one first event.
        Stream.filter(({ version }) => version === 1),
        Stream.flatMap(({ streamId }) =>
          Option.match(process.log.idOf(streamId), {
            onNone: () => Stream.empty,
            onSome: (id) => Stream.succeed(id)
          })
        )
      )
    )
  )
}

/** What one order has come to. */
interface Given {
  readonly isRecorded: boolean
  readonly failed?: ReactionFailed
  readonly parked?: DeadLetter | undefined
}

/**
 * Records an order and carries it out.
 *
 * Why the owner of the process may do the same at the same time. (1) The step is recorded under the id of the handling of the
 * order, and its commands have ids that follow from it: done twice, they have one effect. (2) The owner handles an order
 * also while the key is parked, so it waits for nobody.
 */
const give = (
  process: Process.Any,
  key: string,
  order: Order,
  orderId: string | undefined
): Effect.Effect<Given, Failure, Stores> =>
  Effect.gen(function* () {
    const machine = Machine.of(process)
    const options = orderId === undefined ? {} : { commandId: `${orderId}:${key}` }
    const receipt = yield* Executor.execute(machine, key, { _tag: "Give", order }, options)
    const [event] = receipt.events
    if (event === undefined) return { isRecorded: false }
    const reaction = yield* reactionOf(process)
    const { readStream } = yield* EventStore
    const read = readStream(receipt.streamId, { after: event.version - 1, limit: 1 })
    const recorded = Option.getOrUndefined(yield* Stream.runHead(read))
    const failed = recorded && (yield* Retrying.handleNow(reaction, recorded, settings))
    if (failed !== undefined) return { isRecorded: true, failed }
    const retried = yield* Retrying.retryKey(reaction, key, settings)
    return { isRecorded: true, parked: retried.failed }
  })

/** Fails if the process cannot be restarted. The decision is made as it will be, and thrown away. */
const check = (
  process: Process.Any,
  key: string,
  order: Order & { readonly step: number }
): Effect.Effect<void, RestartRefused | Failure, EventStore> =>
  Effect.gen(function* () {
    const { step } = order
    const past = yield* pastOf(process, key, step, Number.POSITIVE_INFINITY)
    const machine = Machine.of(process)
    const { state: instance } = yield* Executor.load(machine, key)
    const now = (yield* DateTime.now).epochMilliseconds
    const obey = { _tag: "Obey" as const, key, eventId: "", order, past, handling: "", at: now }
    const decided = Result.try({ try: () => machine.decide(obey, instance), catch: (cause) => cause })
    if (Result.isFailure(decided)) {
      const detail = `the program cannot take it: ${thrownText(decided.failure)}`
      return yield* new RestartRefused({ process: process.name, key, step, detail })
    }
  })

// An operator waits for the answer. What takes longer is tried by the owner.
const settings = { retry: Schedule.max([Schedule.exponential("100 millis"), Schedule.recurs(3)]) }

// So many processes get an order at once.
const atOnce = 16
