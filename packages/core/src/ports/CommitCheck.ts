/** What every view store refuses before it writes anything: in one place, so that all stores refuse the same. */
import type * as Schema from "effect/Schema"
import type { Row } from "../domain/query/data.ts"
import * as StreamId from "../domain/StreamId.ts"
import { idProblem, quote, textProblem } from "../domain/texts.ts"
import { Rejected } from "./Reason.ts"
import { isStorableTime } from "./eventCopy.ts"
import { areCopied, copyState, maxRecordBytes, Problem } from "./jsonCopy.ts"
import { ViewStoreError } from "./errors.ts"
import { type Generation, isShared, type Part } from "./generation.ts"
import type { Changes, Claim, Commit, Owner } from "./ProjectionStore.ts"

export { isShared, maxRecordBytes }

/**
 * Checks a commit. Gives the commit with copies of its states, which a store may
 * keep, or the reason to refuse it: an invalid generation or part, a position
 * that goes back, an invalid or repeated key, a state that is not JSON or is too large, a dead
 * letter with a text that a store cannot keep.
 *
 * @example
 * ```ts
 * import { CommitCheck } from "@hexfold/core/adapter"
 *
 * const generation = { view: "Accounts", version: 1 }
 * CommitCheck.check({ owner: { generation, epoch: 1 }, from: 7, to: 5 })
 * // ViewStoreError { operation: "commit", reason: Rejected { detail: "5 is not a position from 7 on" } }
 * ```
 */
export const check = (commit: Commit): Commit | ViewStoreError => {
  const { from, owner, records = nothing, to } = commit
  const { generation } = owner
  const { put, remove } = records
  const refused =
    ownerProblem(owner) ??
    positionProblem(from, 0) ??
    positionProblem(to, from) ??
    (commit.history === undefined || isCount(commit.history)
      ? undefined
      : `${commit.history} is not the number of a history`) ??
    deadLettersProblem(commit)
  if (refused !== undefined) return rejected("commit", generation, refused)
  const keys = new Set<string>()
  for (const key of [...put.map((record) => record.key), ...remove]) {
    const problem = idProblem("key", key) ?? (keys.has(key) ? `key ${quote(key)}: appears twice` : undefined)
    if (problem !== undefined) return rejected("commit", generation, problem)
    keys.add(key)
  }
  if (areCopied(put)) return commit
  const copies: Array<Row<Schema.Json>> = []
  for (const { key, state } of put) {
    const copy = copyState(state)
    if (copy instanceof Problem) return rejected("commit", generation, `state of ${quote(key)}${copy.text}`)
    copies.push({ key, state: copy })
  }
  return { ...commit, records: { put: copies, remove } }
}

const nothing: Changes = { put: [], remove: [] }

/** Checks the owner that a drop names. Gives the reason to refuse it, if there is one. */
export const checkDrop = (owner: Owner): ViewStoreError | undefined => {
  const refused = ownerProblem(owner)
  return refused === undefined ? undefined : rejected("drop", owner.generation, refused)
}

/** Checks a claim. Gives the reason to refuse it, if there is one. */
export const checkClaim = ({
  after = 0,
  fingerprint,
  generation,
  inline,
  owner,
  part,
  renews
}: Claim): ViewStoreError | undefined => {
  const refused =
    generationProblem(generation) ??
    idProblem("owner", owner) ??
    (fingerprint === undefined ? undefined : idProblem("fingerprint", fingerprint)) ??
    positionProblem(after, 0) ??
    (part === undefined || isPart(part) ? undefined : `${part.index} of ${part.of} is not a valid part`) ??
    (isShared(generation.view) && (inline === true || generation.build !== undefined)
      ? "the generation of all versions has no build, and is not inline"
      : undefined) ??
    renewalProblem(renews)
  return refused === undefined ? undefined : rejected("claim", generation, refused)
}

/**
 * The keys that must be parked in the store before this commit. The commit queues
 * events for them, but does not contain the event that failed.
 *
 * @example
 * ```ts
 * import { CommitCheck } from "@hexfold/core/adapter"
 * import { DateTime } from "effect"
 *
 * const event = { stream: "Account-a", streamVersion: 3, type: "Closed", position: 7, at: DateTime.makeUnsafe(0) }
 * CommitCheck.waitingKeys({ put: [{ ...event, history: 1, key: "a", parked: true }], remove: [] }) // Set { "a" }
 * ```
 */
export const waitingKeys = (deadLetters: Commit["deadLetters"]): ReadonlySet<string> => {
  const parked = (deadLetters?.put ?? []).filter((deadLetter) => deadLetter.parked)
  const keys = new Set(parked.map(({ key }) => key))
  for (const { key, error } of parked) if (error !== undefined) keys.delete(key)
  return keys
}

const ownerProblem = ({ epoch, generation, part = 0 }: Owner): string | undefined =>
  generationProblem(generation) ??
  (isCount(part + 1) && part < maxParts ? undefined : `${part} is not a valid part`) ??
  (Number.isSafeInteger(epoch) ? undefined : `${epoch} is not a valid epoch`)

const renewalProblem = (renews: Claim["renews"]): string | undefined => {
  if (renews === undefined) return undefined
  const { epoch, passed } = renews
  if (!Number.isSafeInteger(epoch)) return `${epoch} is not a valid epoch`
  if (passed === undefined) return undefined
  return (
    positionProblem(passed.from, 0) ??
    positionProblem(passed.to, passed.from) ??
    (isCount(passed.history) ? undefined : `${passed.history} is not the number of a history`)
  )
}

const generationProblem = ({ build, version, view }: Generation): string | undefined => {
  if (!isName(view)) return `${quote(view)} is not a valid name of a view`
  if (!isCount(version)) return `${version} is not a valid version of a view`
  return build === undefined || isCount(build) ? undefined : `${build} is not a valid build of a view`
}

// The name of a view, or that of a reactor after its kind. So the two never have the same name.
const isName = (name: string): boolean =>
  StreamId.isAggregateName(name) || /^[a-z]{1,20}\/[A-Za-z][\w.-]{0,99}$/.test(name)

const isCount = (n: number): boolean => Number.isSafeInteger(n) && n > 0

const isPart = ({ index, of }: Part): boolean =>
  isCount(of) && of <= maxParts && Number.isSafeInteger(index) && index >= 0 && index < of

const maxParts = 1_000

const deadLettersProblem = ({ deadLetters, progress }: Commit): string | undefined => {
  const failure = progress?.failure
  const unapplied = [...(deadLetters?.put ?? []), ...(failure === undefined ? [] : [failure])]
  for (const { at, streamVersion, error, position, stream, type } of unapplied) {
    const wrong = [stream, type, error?.step ?? "", error?.cause ?? ""].find((text) => textProblem(text))
    if (wrong !== undefined) return `${quote(wrong)}: ${textProblem(wrong)}`
    if (!isCount(position) || !isCount(streamVersion))
      return `${position} and ${streamVersion} are not a valid position and version of an event`
    if (!isStorableTime(at))
      return `the event at ${position}: the time at which it was not applied is not one of the years 1 to 9999`
  }
  const seen = new Set<string>()
  const misplaced = deadLetters?.put.find(({ history }) => !isCount(history))
  if (misplaced !== undefined) return `${misplaced.history} is not the number of a history`
  for (const { key, position } of [...(deadLetters?.put ?? []), ...(deadLetters?.remove ?? [])]) {
    const place = `${position} ${key}`
    if (seen.has(place)) return `the dead letter at ${position} for ${quote(key)}: appears twice`
    seen.add(place)
    if (key !== "") {
      const problem = idProblem("key", key)
      if (problem !== undefined) return problem
    }
  }
  return undefined
}

const positionProblem = (position: number, least: number): string | undefined =>
  Number.isSafeInteger(position) && position >= least ? undefined : `${position} is not a position from ${least} on`

const rejected = (operation: "commit" | "claim" | "drop", { view }: Generation, detail: string) =>
  new ViewStoreError({ operation, view, reason: new Rejected({ detail }) })
