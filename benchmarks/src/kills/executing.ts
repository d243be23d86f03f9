import { type EventStore, Executor } from "@hexfold/core"
import { Cause, Effect, Schedule } from "effect"
import { Account, Deposit, type Poor, Transfer, Withdraw } from "./accounts.ts"
import { type Command, type Line, now, write } from "./lines.ts"

type Receipt = Pick<Effect.Success<Executor.Execution<typeof Account>>, "events" | "repeated">

const execution = ({
  amount,
  from,
  hasId,
  kind,
  to,
  token
}: Command): Effect.Effect<Receipt, Poor | Executor.BoundaryError, EventStore.EventStore> => {
  const options = hasId ? { commandId: token } : {}
  if (kind === "transfer") {
    return Executor.execute(Transfer, { _tag: "Transfer", from, to: to!, amount, token }, options)
  }
  const fields = { amount, token }
  return Executor.execute(Account, from, kind === "deposit" ? new Deposit(fields) : new Withdraw(fields), options)
}

type Ending =
  | { readonly _tag: "Receipt"; readonly receipt: Receipt }
  | { readonly _tag: "Refused" | "Open" | "Unexpected"; readonly error: string }

const endingOf = (cause: Cause.Cause<Poor | Executor.BoundaryError>, { hasId }: Command): Ending => {
  const failure = cause.reasons.find(Cause.isFailReason)?.error
  if (failure === undefined) return { _tag: "Unexpected", error: Cause.pretty(cause) }
  const error = `${failure._tag}: ${failure.message}`
  if (failure._tag === "Poor") return { _tag: "Refused", error: "Poor" }
  // Another process may have done a command of the same id before it lost its races.
  if (failure._tag === "ConcurrencyConflict") return { _tag: hasId ? "Open" : "Refused", error }
  if (failure._tag === "EventStoreError" && failure.isRetryable) return { _tag: "Open", error }
  return { _tag: "Unexpected", error }
}

/** How an execution has ended. */
interface Ended {
  readonly isSettled: boolean
  /** The position of the last event that the command has recorded, if there is one. */
  readonly position: number | undefined
}

/** Executes a command once, and writes the answer down. */
const once = (file: string, command: Command, patience: number) =>
  Effect.gen(function* () {
    const sentAt = now()
    write(file, { _tag: "Sent", command, at: sentAt })
    const ending = yield* execution(command).pipe(
      Effect.matchCause({
        onSuccess: (receipt): Ending => ({ _tag: "Receipt", receipt }),
        onFailure: (cause) => endingOf(cause, command)
      }),
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.succeed<Ending>({ _tag: "Unexpected", error: `no answer within ${patience} ms` })
      })
    )
    const common = { token: command.token, sentAt, at: now() }
    write(file, ending._tag === "Receipt" ? { ...common, ...told(ending.receipt) } : { ...common, ...ending })
    return {
      isSettled: ending._tag === "Receipt" || (ending._tag === "Refused" && command.hasId),
      position: ending._tag === "Receipt" ? ending.receipt.events.at(-1)?.position : undefined
    }
  })

const told = ({ events, repeated }: Receipt): Pick<Line & { _tag: "Receipt" }, "_tag" | "isRepeated" | "events"> => ({
  _tag: "Receipt",
  isRepeated: repeated,
  events: events.map(({ data, id, position, streamId, type, version }) => ({
    ...{ stream: streamId, version, position, id, type, amount: data.amount, token: data.token }
  }))
})

/**
 * Executes a command and writes into a file what was sent and answered. A command with an id is executed again until its
 * answer settles it. No answer for longer than the patience, in milliseconds, is unexpected.
 */
export const settle = (
  file: string,
  command: Command,
  patience = 30_000
): Effect.Effect<Ended, never, EventStore.EventStore> =>
  command.hasId
    ? Effect.repeat(once(file, command, patience), {
        until: ({ isSettled }) => isSettled,
        schedule: Schedule.max([Schedule.spaced("50 millis").pipe(Schedule.jittered), Schedule.recurs(200)])
      })
    : once(file, command, patience)
