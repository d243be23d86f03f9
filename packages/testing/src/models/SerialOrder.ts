/**
 * Checks the recorded history of concurrent commands: is there one order in
 * which they could have run one after the other, and in which each receipt and
 * each rejection is what the model says?
 *
 * The positions of the events are that order: a store draws them once it holds
 * the streams of an append. A command without events may stand anywhere in the
 * order, but not before the events that were recorded when it began.
 *
 * A limit: a command on several streams may have read an append while another
 * one with a lower position was still under way. This order has no place for it.
 */
import type { EventStore } from "@hexfold/core"
import { Equal, Result } from "effect"

/** A command that was executed, and its outcome. */
export interface Operation<Command, Event, Error> {
  readonly command: Command
  /** The recorded events, possibly none, or the error that rejected the command. */
  readonly outcome: Result.Result<ReadonlyArray<EventStore.RecordedEvent<Event>>, Error>
  /**
   * A horizon of the store: the position up to which everything was recorded
   * when the command began. The position of a receipt is not a horizon, because
   * an append with a lower one may still be under way. Use 0 if it is not known.
   */
  readonly after: number
}

/** What the commands should do, one after the other. */
export interface Model<State, Command, Event, Error> {
  readonly initial: State
  readonly decide: (command: Command, state: State) => Result.Result<ReadonlyArray<Event>, Error>
  readonly evolve: (state: State, event: EventStore.RecordedEvent<Event>) => State
}

/** An operation that no place in the order explains. */
export interface Unexplained<Command, Event, Error> {
  readonly operation: Operation<Command, Event, Error>
  /** What the model says at the operation's place, or at the last place that it could have. */
  readonly expected: Result.Result<ReadonlyArray<Event>, Error>
}

/**
 * The operations in a serial order that explains all of them, or the first
 * operation that no order explains. Events and errors are compared by `Equal`.
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
 * ```
 */
export const explain = <State, Command, Event, Error>(
  operations: ReadonlyArray<Operation<Command, Event, Error>>,
  model: Model<State, Command, Event, Error>
): Result.Result<ReadonlyArray<Operation<Command, Event, Error>>, Unexplained<Command, Event, Error>> => {
  const order: Array<Operation<Command, Event, Error>> = []
  let waiting = operations.filter((operation) => eventsOf(operation).length === 0)
  let state = model.initial
  let position = 0

  // An operation without events stands at the first place where the model agrees.
  const place = (): void => {
    waiting = waiting.filter((operation) => {
      if (operation.after > position || !agrees(model.decide(operation.command, state), operation)) return true
      order.push(operation)
      return false
    })
  }

  place()
  for (const operation of operations.filter((operation) => eventsOf(operation).length > 0).sort(byPosition)) {
    const expected = model.decide(operation.command, state)
    if (!agrees(expected, operation) || operation.after > firstOf(operation))
      return Result.fail({ operation, expected })
    for (const event of eventsOf(operation)) {
      state = model.evolve(state, event)
      position = event.position
    }
    order.push(operation)
    place()
  }
  const [operation] = waiting
  return operation === undefined
    ? Result.succeed(order)
    : Result.fail({ operation, expected: model.decide(operation.command, state) })
}

type AnyOperation<Event> = Operation<unknown, Event, unknown>

const eventsOf = <Event>({ outcome }: AnyOperation<Event>): ReadonlyArray<EventStore.RecordedEvent<Event>> =>
  Result.isSuccess(outcome) ? outcome.success : []

const firstOf = (operation: AnyOperation<unknown>): number => eventsOf(operation)[0]!.position

const byPosition = (a: AnyOperation<unknown>, b: AnyOperation<unknown>): number => firstOf(a) - firstOf(b)

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
