/** What the orders of an operator make of a process. Pure. */
import * as Result from "effect/Result"
import * as Decision from "../../../domain/Decision.ts"
import { canonicalJson } from "../../../domain/json/canonicalJson.ts"
import type { Instance, Log, Order, Sending, Stepped } from "../../../domain/process/log.ts"
import type { Any, Ignored, Step } from "../../../domain/process/Process.ts"
import type { RecordedEvent } from "../../../ports/EventStore.ts"
import * as EventCodec from "../../events/EventCodec.ts"

/** A step that is taken again. */
export interface Redone {
  /** The state before it. */
  readonly state: unknown
  /** Undefined if the present program has no handler for what has caused it. */
  readonly step: Step<unknown, string, string> | Ignored | undefined
}

/** Whether there is something to do for an order. */
export const isMeant = ({ order, step = 0 }: Order, instance: Instance<unknown>): boolean => {
  switch (order) {
    case "restart":
      return step >= 1 && step <= instance.step
    case "cancel":
      return instance.status !== "cancelled" && (instance.status !== "ended" || hasOpen(instance))
    case "resume":
      return true
  }
}

const hasOpen = ({ cancelling, sending, setting }: Instance<unknown>): boolean =>
  cancelling.length + sending.length + setting.length > 0

/** The step by which a process is cancelled, or goes on with what it had to do then. */
export const obeyed = (
  order: Order["order"],
  { held, state, status, step, waiting }: Instance<unknown>,
  eventId: string,
  handling: string
): Decision.Decision<Stepped<unknown>> => {
  const number = step + 1
  const common = { _tag: "Stepped" as const, step: number, cause: { _tag: "Order" as const, order, eventId }, state }
  if (order === "cancel") {
    if (status === "cancelled") return Decision.nothing
    const cancels = waiting.map(({ timerId }) => timerId)
    return Decision.accept({ ...common, sends: [], timers: [], cancels, ends: true })
  }
  if (held === null) return Decision.nothing
  // A timer that was cancelled does not come any more.
  const timers = held.timers.map((timer) => ({ ...timer, timerId: `${handling}:${number}.${timer.name}` }))
  return Decision.accept({ ...common, sends: held.sends, timers, cancels: [], ends: held.ended })
}

/** The id under which a step has recorded the same command, if it is not taken yet. */
export const keptIdOf = (
  recorded: ReadonlyArray<Sending>,
  taken: ReadonlyArray<Sending>,
  sent: Omit<Sending, "commandId">
): string | undefined =>
  recorded.find(
    ({ commandId, ...command }) =>
      canonicalJson(command) === canonicalJson(sent) && taken.every((each) => each.commandId !== commandId)
  )?.commandId

/** The state after a recorded step. */
export const stateOf = (log: Any["log"], recorded: RecordedEvent): unknown => {
  const [step] = Result.getOrThrow(EventCodec.of(log as unknown as Log<unknown>).decode(recorded))
  return (step as Stepped<unknown>).state
}
