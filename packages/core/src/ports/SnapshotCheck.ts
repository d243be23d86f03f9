/** What every snapshot store refuses before it writes anything: in one place, so that all stores refuse the same. */
import * as StreamId from "../domain/StreamId.ts"
import { idProblem, quote, streamIdProblem } from "../domain/texts.ts"
import { SnapshotStoreError } from "./errors.ts"
import { copyState, maxRecordBytes, Problem } from "./jsonCopy.ts"
import { Rejected } from "./Reason.ts"
import type { NewSnapshot, Request, Selection } from "./SnapshotStore.ts"

/** The most bytes of a state, as Postgres writes jsonb out. */
export const maxStateBytes = maxRecordBytes

/**
 * The reason to refuse snapshots, if there is one: a stream id or a fingerprint that
 * is not valid, a stream and a fingerprint that are named twice, a number that is no
 * version, history or position, a state that is not JSON or is too large.
 *
 * @example
 * ```ts
 * import { StreamId } from "@hexfold/core"
 * import { SnapshotCheck } from "@hexfold/core/adapter"
 *
 * const streamId = StreamId.make("Account", "a")
 * SnapshotCheck.check([{ streamId, fingerprint: "1", version: 0, history: 1, position: 7, state: 3 }])
 * // SnapshotStoreError { operation: "save", reason: Rejected { detail: 'the snapshot of "Account-a": 0 is not a version' } }
 * ```
 */
export const check = (snapshots: ReadonlyArray<NewSnapshot>): SnapshotStoreError | undefined => {
  const seen = new Set<string>()
  for (const snapshot of snapshots) {
    const { fingerprint, streamId } = snapshot
    const problem = requestProblem(snapshot) ?? snapshotProblem(snapshot)
    if (problem !== undefined) return rejected("save", problem)
    const key = `${fingerprint} ${streamId}`
    if (seen.has(key)) return rejected("save", `the snapshot of ${quote(streamId)}: is named twice`)
    seen.add(key)
  }
  return undefined
}

/** Like {@link check}, but for the requests of a load. */
export const checkLoad = (requests: ReadonlyArray<Request>): SnapshotStoreError | undefined => {
  for (const request of requests) {
    const problem = requestProblem(request)
    if (problem !== undefined) return rejected("load", problem)
  }
  return undefined
}

/** Like {@link check}, but for what is removed. */
export const checkRemove = (selection: Selection): SnapshotStoreError | undefined => {
  const problem =
    "streamId" in selection
      ? (streamIdProblem(selection.streamId) ??
        (selection.fingerprint === undefined ? undefined : fingerprintProblem(selection.fingerprint)))
      : (aggregateProblem(selection.aggregate) ??
        selection.except?.map(fingerprintProblem).find((problem) => problem !== undefined))
  return problem === undefined ? undefined : rejected("remove", problem)
}

const requestProblem = ({ fingerprint, streamId }: Request): string | undefined =>
  streamIdProblem(streamId) ?? fingerprintProblem(fingerprint)

/** The most characters of a fingerprint. With the id of a stream it is the key of a row. */
const longestFingerprint = 100

const fingerprintProblem = (fingerprint: string): string | undefined =>
  idProblem("fingerprint", fingerprint) ??
  (fingerprint.length > longestFingerprint
    ? `fingerprint ${quote(fingerprint)}: is longer than ${longestFingerprint} characters`
    : undefined)

const aggregateProblem = (name: string): string | undefined =>
  StreamId.isAggregateName(name) ? undefined : `${quote(String(name))} is not the name of an aggregate`

const snapshotProblem = (snapshot: NewSnapshot): string | undefined => {
  const { history, position, state, streamId, version } = snapshot
  const wrong =
    countProblem("version", version) ??
    countProblem("number of a history", history) ??
    countProblem("position", position)
  if (wrong !== undefined) return `the snapshot of ${quote(streamId)}: ${wrong}`
  if (known.has(snapshot)) return undefined
  const copy = copyState(state)
  return copy instanceof Problem ? `the state of ${quote(streamId)}${copy.text}` : undefined
}

const countProblem = (what: string, n: number): string | undefined =>
  Number.isSafeInteger(n) && n > 0 ? undefined : `${n} is not a ${what}`

/** Remembers that a snapshot has been checked and does not change any more, so that a store need not check it again. */
export const checked = (snapshot: NewSnapshot): NewSnapshot => {
  known.add(Object.freeze(snapshot))
  return snapshot
}

const known = new WeakSet<NewSnapshot>()

const rejected = (operation: SnapshotStoreError["operation"], detail: string) =>
  new SnapshotStoreError({ operation, reason: new Rejected({ detail }) })
