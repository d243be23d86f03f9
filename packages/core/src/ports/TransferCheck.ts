/** What every store refuses before it remembers commands of another log: in one place, so that all stores refuse the same. */
import { quote, streamIdProblem, textProblem } from "../domain/texts.ts"
import { maxFingerprintBytes } from "./AppendCheck.ts"
import { isStorableTime } from "./eventCopy.ts"
import { EventStoreError } from "./errors.ts"
import { utf8Bytes } from "./jsonBytes.ts"
import type { EventPlace, UsedCommand } from "./LogTransfer.ts"
import { Rejected } from "./Reason.ts"

/**
 * The reason to refuse commands, if there is one: a key that appears twice, a text that
 * no store can keep, a stream id that is not valid, a number that is no version.
 *
 * @example
 * ```ts
 * import { TransferCheck } from "@hexfold/core/adapter"
 * import { DateTime } from "effect"
 *
 * TransferCheck.check([{ key: "c:a\0", fingerprint: "f", streams: [], events: [], usedAt: DateTime.makeUnsafe(0) }])
 * // EventStoreError { operation: "transfer", reason: Rejected { detail: 'the command "c:a\\u0000": contains NUL' } }
 * ```
 */
export const check = (commands: ReadonlyArray<UsedCommand>): EventStoreError | undefined => {
  const seen = new Set<string>()
  for (const command of commands) {
    const problem = problemOf(command) ?? (seen.has(command.key) ? "appears twice" : undefined)
    if (problem !== undefined) return refusal(command.key, problem)
    seen.add(command.key)
  }
  return undefined
}

/** The refusal of a command that is remembered already with another content, or whose events are not in the log. */
export const differs = (command: UsedCommand, found: UsedCommand | undefined): EventStoreError =>
  refusal(
    command.key,
    found === undefined ? "the log does not have its events" : "the log remembers another command under this id"
  )

/** Whether two commands are the same: their content, and what their receipts say. The time does not count. */
export const isSame = (a: UsedCommand, b: UsedCommand): boolean =>
  a.fingerprint === b.fingerprint && areSame(a.streams, b.streams) && areSame(a.events, b.events)

const areSame = (a: ReadonlyArray<EventPlace>, b: ReadonlyArray<EventPlace>): boolean =>
  a.length === b.length &&
  a.every(({ streamId, version }, i) => streamId === b[i]!.streamId && version === b[i]!.version)

const problemOf = ({ events, fingerprint, key, streams, usedAt }: UsedCommand): string | undefined => {
  if (!isKey(key)) return "is not the key of a command id"
  const problem = textProblem(key) ?? textProblem(fingerprint)
  if (problem !== undefined) return problem
  if (3 * fingerprint.length > maxFingerprintBytes && utf8Bytes(fingerprint) > maxFingerprintBytes) {
    return `its fingerprint has more than ${maxFingerprintBytes} bytes`
  }
  if (!isStorableTime(usedAt)) return "its time is not in the years 1 to 9999"
  for (const { streamId, version } of streams) {
    const problem = streamIdProblem(streamId) ?? versionProblem(version, 0)
    if (problem !== undefined) return problem
  }
  for (const { streamId, version } of events) {
    const problem = streamIdProblem(streamId) ?? versionProblem(version, 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

// See `StoreKey`.
const isKey = (key: string): boolean =>
  typeof key === "string" && ((key.startsWith("c:") && key.length > 2) || /^sha256:[0-9a-f]{64}$/.test(key))

const versionProblem = (version: number, least: number): string | undefined =>
  Number.isSafeInteger(version) && version >= least ? undefined : `${version} is not a version`

const refusal = (key: string, problem: string) =>
  new EventStoreError({
    operation: "transfer",
    reason: new Rejected({ detail: `the command ${quote(key)}: ${problem}` })
  })
