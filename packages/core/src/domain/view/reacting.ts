/** What follows the log to react to events, as data. */
import type * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { InvalidKey } from "../errors.ts"
import { followsOf } from "../storedTypes.ts"
import { idProblem } from "../texts.ts"
import type { Consumer } from "./consumer.ts"
import type { Source } from "./definition.ts"
import { fingerprintOf } from "./fingerprint.ts"
import { check, handling, keyFunction, type KeyOf, type KeyTable, selector } from "./handlers.ts"

/**
 * Where a reactor or a process begins when it is run for the first time.
 *
 * - `beginning`: with the first event of the log.
 * - `now`: with the first event that is appended after that.
 * - `after`: with the first event after this position.
 * - `since`: with the first event that was recorded at this time or later. What comes after it by its position is
 *   handled too, even if a clock that was set back has given it an earlier time.
 */
export type Start = "beginning" | "now" | { readonly after: number } | { readonly since: DateTime.DateTime }

/** Throws for a start that cannot be one. */
export const checkedStart = (name: string, start: Start): Start => {
  if (typeof start === "object" && "after" in start && !(Number.isSafeInteger(start.after) && start.after >= 0)) {
    throw new Error(`${name}: it cannot start after position ${start.after}: use a whole number from 0 on`)
  }
  return start
}

/** How a consumer is declared that reacts to events. */
export interface Reacting {
  /** The kind of the consumer, such as `reactor`. Names of two kinds may be equal. */
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly sources: ReadonlyArray<Source>
  /** The names of the handlers. */
  readonly handlers: ReadonlyArray<string>
  /** The key of an event. By default it is the event's stream. */
  readonly key: KeyOf | KeyTable | undefined
  /** Which of several functions it is that gives the keys: versions with the same number give the same keys. */
  readonly keyVersion?: number | undefined
}

/** A consumer that reacts. Throws for a declaration that is not valid. */
export const consumerOf = ({ handlers, key, keyVersion, kind, name, sources, version }: Reacting): Consumer => {
  // The name of a publication says its version.
  check(kind === "publication" && isPublicName(name) ? "Publication" : name, version, sources, kind)
  if (keyVersion !== undefined && (key === undefined || !Number.isSafeInteger(keyVersion) || keyVersion < 1)) {
    const why = key === undefined ? "it has no key of its own" : "it must be a whole number from 1 on"
    throw new Error(`${name}: its keyVersion is ${keyVersion}, but ${why}`)
  }
  const own = keyVersion === undefined ? "own" : (`own${keyVersion}` as const)
  const nameOf = selector(name, sources, handlers)
  const keyOf = keyFunction(name, key ?? ofStream, sources, handlers, nameOf)
  const stored = `${kind}/${name}`
  const consumer: Omit<Consumer, "keysOf"> & {
    readonly keysOf: (...given: Parameters<KeyOf>) => ReturnType<Consumer["keysOf"]>
  } = {
    name: stored,
    version,
    fingerprint: fingerprintOf({
      sources,
      handlers,
      state: Schema.Null,
      keys: key === undefined ? "stream" : own,
      indexes: []
    }),
    sources,
    follows: followsOf(sources, handling(handlers)),
    perStream: key === undefined,
    keyedBy: key === undefined ? "stream" : keyVersion === undefined ? `own, version ${version}` : own,
    keysOf: (event, envelope) => {
      if (nameOf(event, envelope) === undefined) return Result.succeed([])
      const named = keyOf(event, envelope)
      if (typeof named !== "string" && named.length === 0) return Result.succeed([])
      const { position, streamId, version } = envelope
      const wrong = typeof named === "string" ? idProblem("key", named) : "it is no text"
      if (wrong === undefined) return Result.succeed([named as string])
      return Result.fail(
        new InvalidKey({ view: stored, key: String(named), stream: streamId, version, position, detail: wrong })
      )
    }
  }
  return consumer
}

/** The function that gives the handler of an event. Throws for a handler of no event. */
export const handlersOf = <Handler>(
  name: string,
  sources: ReadonlyArray<Source>,
  handlers: ReadonlyMap<string, Handler>
) => {
  const nameOf = selector(name, sources, [...handlers.keys()])
  return (...[event, envelope]: Parameters<typeof nameOf>): Handler | undefined => {
    const found = nameOf(event, envelope)
    return found === undefined ? undefined : handlers.get(found)
  }
}

const isPublicName = (name: string): boolean => name.length <= 100 && /^[A-Za-z][\w-]*(\.[\w-]+)*$/.test(name)

const ofStream: KeyOf = (_event, { streamId }) => streamId
