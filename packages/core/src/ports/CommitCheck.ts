/**
 * What every view store refuses before it writes anything, in one place, so
 * that all stores refuse the same.
 */
import type * as Schema from "effect/Schema"
import type { Row } from "../domain/queryData.ts"
import * as StreamId from "../domain/StreamId.ts"
import { idProblem, quote } from "../domain/texts.ts"
import { Rejected } from "./EventStoreError.ts"
import { copyJson, Problem } from "./jsonCopy.ts"
import type { Claim, Commit, Generation } from "./ViewStore.ts"
import { ViewStoreError } from "./ViewStoreError.ts"

/**
 * The commit as a store may keep it, its states copied and frozen, or the
 * reason to refuse it: a generation that is none, a position that goes back, a
 * key that is no id or stands there twice, a state that is not JSON.
 *
 * @example
 * ```ts
 * import { CommitCheck } from "@hexfold/core"
 *
 * const generation = { view: "Accounts", version: 1 }
 * CommitCheck.check({ generation, epoch: 1, from: 7, to: 5, put: [], remove: [] })
 * // ViewStoreError { operation: "commit", reason: Rejected { detail: "5 is no position from 7 on" } }
 * ```
 */
export const check = (commit: Commit): Commit | ViewStoreError => {
  const { from, generation, put, remove, to } = commit
  const refused = generationProblem(generation) ?? positionProblem(from, 0) ?? positionProblem(to, from)
  if (refused !== undefined) return rejected("commit", generation, refused)
  const keys = new Set<string>()
  for (const key of [...put.map((record) => record.key), ...remove]) {
    const problem = idProblem("key", key) ?? (keys.has(key) ? `key ${quote(key)}: stands there twice` : undefined)
    if (problem !== undefined) return rejected("commit", generation, problem)
    keys.add(key)
  }
  const copies: Array<Row<Schema.Json>> = []
  for (const { key, state } of put) {
    const copy = copyJson(state, 0)
    if (copy instanceof Problem) return rejected("commit", generation, `state of ${quote(key)}${copy.text}`)
    copies.push({ key, state: copy })
  }
  return { ...commit, put: copies }
}

/** As {@link check}, for a claim. */
export const checkClaim = ({ generation, owner }: Claim): ViewStoreError | undefined => {
  const refused = generationProblem(generation) ?? idProblem("owner", owner)
  return refused === undefined ? undefined : rejected("claim", generation, refused)
}

const generationProblem = ({ version, view }: Generation): string | undefined => {
  if (!StreamId.isAggregateName(view)) return `${quote(view)} names no view`
  return Number.isSafeInteger(version) && version > 0 ? undefined : `${version} is no version of a view`
}

const positionProblem = (position: number, least: number): string | undefined =>
  Number.isSafeInteger(position) && position >= least ? undefined : `${position} is no position from ${least} on`

const rejected = (operation: "commit" | "claim", { view }: Generation, detail: string) =>
  new ViewStoreError({ operation, view, reason: new Rejected({ detail }) })
