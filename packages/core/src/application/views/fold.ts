import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as roundTrip from "../events/roundTrip.ts"
import { type ProjectionFailed, RecordDecodeError } from "./errors.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { Row } from "../../domain/query/data.ts"
import { bounded } from "../../domain/texts.ts"
import type * as View from "../../domain/View.ts"
import { copied, copyState, Problem } from "../../ports/jsonCopy.ts"
import { judge } from "../../domain/json/jsonMeaning.ts"
import * as encoder from "../../internal/encoder.ts"
import { memoized } from "../../internal/memoized.ts"
import { attempt, type DecodedEvent, type Decoding, of as decodingOf } from "./decoding.ts"
import * as PlainState from "./plainState.ts"

/** The record of one key after an event. Without a state it is deleted. */
interface Change {
  readonly key: string
  readonly kept: Kept | undefined
}

/** A state as a store keeps it. */
interface Kept {
  readonly json: Schema.Json
  /** Whether the state is its own JSON, so that it needs no decoding. */
  readonly isPlain: boolean
}

/** Records into which events are folded, one after the other. */
interface Folding {
  /** The record of one of the event's keys after the event. Only `accept` changes the record. */
  readonly after: (event: DecodedEvent, key: string) => Result.Result<Change, ProjectionFailed>
  readonly accept: (change: Change) => void
  /** All changes that were accepted. */
  readonly changes: () => { readonly put: ReadonlyArray<Row<Schema.Json>>; readonly remove: ReadonlyArray<string> }
}

/** The pure fold of a view: from recorded events to records as they are stored. */
export interface ViewFold extends Decoding {
  /** Begins a fold with the stored records. */
  readonly folding: (stored: ReadonlyMap<string, Schema.Json>) => Folding
}

/** The fold of a view. It is compiled once for each view. */
export const of = (view: View.Any): ViewFold => memoized(folds, view, () => make(view))

const folds = new WeakMap<object, unknown>()

// The functions of a view get only events of its own sources and states of its own schema.
type Erased = View.View<string, unknown, Tagged, View.Envelope<string, unknown>>

const make = (any: View.Any): ViewFold => {
  const view = any as Erased
  const decoding = decodingOf(any)
  const encode = encoder.make(view.schemas.state)
  const decodeState = decoder(view)
  const isSure = judge(`${view.name}, state`, view.schemas.state) === "sure"
  const plain = PlainState.of(view.schemas.state)
  const changedState = isSure ? () => undefined : roundTrip.make(view.schemas.state)

  const decodeStored = (key: string, stored: Schema.Json): Result.Result<unknown, unknown> => {
    const json = plain?.keep(stored)
    return json === undefined ? decodeState(key, ownCopy(stored)) : Result.succeed(plain!.give(json))
  }

  const encodeState = (state: unknown): Result.Result<Kept, unknown> => {
    const plainly = plain?.keep(state)
    if (plainly !== undefined) return Result.succeed({ json: plainly, isPlain: true })
    return Result.flatMap(encode(state), (json) => {
      // A schema may encode what no store can keep, such as a text with NUL or a state that is too large.
      const copy = copyState(json)
      if (copy instanceof Problem) return Result.fail(new Error(`the state${copy.text}`))
      const changed = changedState(state, copy)
      return changed === undefined
        ? Result.succeed({ json: copy, isPlain: false })
        : Result.fail(new Error(`the state: ${bounded(changed)}`))
    })
  }

  return {
    ...decoding,

    folding: (stored) => {
      const changes = new Map<string, Kept | undefined>()

      // The next event of a batch gets what a store would give back, so that a record does not depend on the size of batches.
      const given = (key: string, kept: Kept): Result.Result<unknown, unknown> =>
        kept.isPlain ? Result.succeed(plain!.give(kept.json)) : decodeState(key, ownCopy(kept.json))
      const before = (key: string): Result.Result<unknown, unknown> => {
        const kept = changes.get(key)
        if (kept !== undefined) return given(key, kept)
        const json = changes.has(key) ? undefined : stored.get(key)
        return json === undefined ? Result.succeed(undefined) : decodeStored(key, json)
      }

      return {
        // Every state is encoded, also one that the next event or part replaces. Otherwise
        // it would depend on the size of a batch whether a view fails.
        after: ({ parts, recorded }, key) => {
          let loaded = attempt(view, { recorded }, "load", () => before(key))
          let change: Change = { key, kept: undefined }
          for (const [part, { envelope, event, keys }] of parts.entries()) {
            if (parts.length > 1 && !keys.includes(key)) continue
            if (Result.isFailure(loaded)) return Result.fail(loaded.failure)
            const state = loaded.success
            const at = parts.length > 1 ? { recorded, part } : { recorded }
            const next = attempt(view, at, "evolve", () => Result.succeed(view.evolve(state, event, envelope)))
            if (Result.isFailure(next)) return Result.fail(next.failure)
            const made = next.success
            const kept =
              made === undefined ? Result.succeed(undefined) : attempt(view, at, "encode", () => encodeState(made))
            if (Result.isFailure(kept)) return Result.fail(kept.failure)
            change = { key, kept: kept.success }
            if (part === parts.length - 1) break
            const stored = kept.success
            loaded =
              stored === undefined ? Result.succeed(undefined) : attempt(view, at, "load", () => given(key, stored))
          }
          return Result.map(loaded, () => change)
        },

        accept: ({ kept, key }) => {
          changes.set(key, kept)
        },

        changes: () => {
          const put: Array<Row<Schema.Json>> = []
          const remove: Array<string> = []
          for (const [key, kept] of changes) {
            if (kept === undefined) remove.push(key)
            else put.push({ key, state: kept.isPlain ? frozen(kept.json) : kept.json })
          }
          return { put: copied(put), remove }
        }
      }
    }
  }
}

/** The decoder of a view's records. */
export const decoder = <State>(view: {
  readonly name: string
  readonly schemas: { readonly state: Schema.Codec<State, unknown> }
}): ((key: string, json: Schema.Json) => Result.Result<State, RecordDecodeError>) => {
  const decode = Schema.decodeUnknownResult(Schema.toCodecJson(view.schemas.state))
  return (key, json) => Result.mapError(decode(json), (cause) => new RecordDecodeError({ view: view.name, key, cause }))
}

// A store may keep the value itself.
const frozen = (json: Schema.Json): Schema.Json => {
  if (typeof json !== "object" || json === null) return json
  for (const member of Object.values(json)) frozen(member as Schema.Json)
  return Object.freeze(json)
}

/** A copy that a handler may change: what a store has given, and what is to be written, stays as it is. */
const ownCopy = (json: Schema.Json): Schema.Json => {
  if (typeof json !== "object" || json === null) return json
  if (Array.isArray(json)) return json.map(ownCopy)
  const copy: Record<string, Schema.Json> = { ...(json as Schema.JsonObject) }
  for (const key in copy) {
    const member = copy[key]!
    // An assignment to "__proto__" does not make a member.
    if (typeof member === "object" && member !== null)
      Object.defineProperty(copy, key, { ...memberOptions, value: ownCopy(member) })
  }
  return copy
}

const memberOptions = { enumerable: true, configurable: true, writable: true }
