import * as Result from "effect/Result"
import { canonicalJson } from "../../../domain/json/canonicalJson.ts"
import { digest } from "../../../domain/view/digest.ts"
import { jsonForm } from "../../../domain/view/jsonForm.ts"
import * as encoder from "../../../internal/encoder.ts"
import type { Snapshotted } from "./snapshotting.ts"

/**
 * What tells the states of one definition of an aggregate from those of another, as far
 * as data tell: the revision, the JSON of the state's schema, the initial state, and the
 * events with their versions. It is the same in every process, and does not depend on an
 * order that has no meaning. What `evolve` does cannot be seen: that is the revision.
 */
export const fingerprintOf = ({ initial, revision, schemas }: Snapshotted): string => {
  const first = encoder.make(schemas.state)(initial)
  // An initial state that breaks its schema is never saved itself, and may be left at once.
  const beginning = Result.isSuccess(first) ? canonicalJson(first.success) : ""
  const versionOf = (tag: string) => schemas.stored.get(tag)?.version ?? 1
  const events = [...new Set([...schemas.events.keys(), ...schemas.stored.keys()])].map((tag) => {
    const isRetired = !schemas.events.has(tag)
    return `${JSON.stringify(tag)} ${versionOf(tag)}${isRetired ? " retired" : ""}`
  })
  return [revision, jsonForm(schemas.state), digest(beginning), digest(events.sort().join("\n"))].join("-")
}
