/**
 * Histories in which an event was recorded by an older program. What older programs have decided cannot be generated any
 * more. So one event of a history that can happen gives way to a stored event that becomes the same kind of event, with
 * the same values where the former version has them. What comes after it is left out.
 */
import { KeptValue } from "@hexfold/core/adapter"
import { Arbitrary, Effect, Result, type Schema } from "effect"
import { thrownText } from "../histories/printed.ts"
import { fieldsOf, makes } from "../histories/values.ts"
import { evolve, type Run, type Stream, type Tagged } from "../histories/world.ts"
import type { Broken } from "./broken.ts"
import { arbitraryOf, type Declared, type Former, formerEvents, shownOf } from "./former.ts"

/** A stored event that stands for one of a history. */
export interface Replacement {
  readonly type: string
  readonly schemaVersion: number
  readonly data: Schema.JsonObject
  /** The current events that it becomes. */
  readonly events: ReadonlyArray<Tagged>
  readonly shown: string
}

/** Stored events of one former version that become the events of a kind. */
interface Pool {
  readonly former: Former
  /** The tag of the first of the events. */
  readonly tag: string
  readonly values: ReadonlyArray<Tagged>
}

const poolSize = 20

/** What may stand for the events of a source. */
const poolsOf = (source: Declared, seed: number): ReadonlyArray<Pool> => {
  const known = pools.get(source)
  if (known?.seed === seed) return known.pools
  const made = formerEvents(source).flatMap((former) => {
    const sampling = Arbitrary.sampleEffect(arbitraryOf(former, source.name), { count: poolSize, seed })
    const values = Effect.runSync(Effect.orElseSucceed(sampling, (): ReadonlyArray<Tagged> => []))
    const byTag = Map.groupBy(values, (value) => storedAs(former, value)?.events[0]?._tag)
    return Array.from(byTag).flatMap(([tag, values]) => (tag === undefined ? [] : [{ former, tag, values }]))
  })
  pools.set(source, { seed, pools: made })
  return made
}

const pools = new WeakMap<object, { readonly seed: number; readonly pools: ReadonlyArray<Pool> }>()

const storedAs = (former: Former, value: Tagged): Replacement | undefined => {
  const kept = KeptValue.of(former.schema)(value)
  if (Result.isFailure(kept)) return undefined
  const json = kept.success.json as Schema.JsonObject
  const events = former.read(json)
  // A law of the steps themselves says what is wrong.
  if (Result.isFailure(events)) return undefined
  const { _tag: _, ...data } = json
  const { tag: type, version: schemaVersion } = former
  return { type, schemaVersion, data, events: events.success, shown: shownOf(former, json) }
}

/** What stands for an event. It has the values of the event in fields of the same name, or of the same schema. */
const replacing = (
  { former, tag, values }: Pool,
  at: number,
  event: Tagged,
  schema: Schema.Codec<unknown, unknown>
) => {
  const sampled = values[at % values.length]!
  const own = event as Tagged & Record<string, unknown>
  const ownFields = fieldsOf(schema)
  const taken = fieldsOf(former.schema).flatMap(({ ast, name, takes }) => {
    const from =
      name in own && takes(own[name]) ? name : ownFields.find((each) => each.ast === ast && takes(own[each.name]))?.name
    return from === undefined ? [] : [[name, own[from]] as const]
  })
  const made = makes(former.schema)({ ...sampled, ...Object.fromEntries(taken) }) ?? sampled
  const stored = storedAs(former, made)
  return stored?.events[0]?._tag === tag ? stored : undefined
}

/** A place in a list of events, and what stands there for each former version that can: the last place of each kind. */
export const replacements = function* (
  source: Declared,
  events: ReadonlyArray<Tagged>,
  seed: number
): Iterable<{ readonly at: number; readonly stored: Replacement }> {
  for (const pool of poolsOf(source, seed)) {
    const at = events.findLastIndex(({ _tag }) => _tag === pool.tag)
    const schema = source.schemas.events.get(pool.tag)
    const stored = at < 0 || schema === undefined ? undefined : replacing(pool, at, events[at]!, schema)
    if (stored !== undefined) yield { at, stored }
  }
}

/** The law that the events of older programs break in the streams of an aggregate. */
export const formerLaw =
  (name: string, seed: number) =>
  ({ streams }: Run): Broken | undefined => {
    for (const stream of streams.values()) {
      const broken = stream.source.name === name ? ofStream(stream, seed) : undefined
      if (broken !== undefined) return broken
    }
    return undefined
  }

const ofStream = ({ events, source }: Stream, seed: number): Broken | undefined => {
  let folded = 0
  let state = source.initial
  const found = [...replacements(source, events, seed)].sort((a, b) => a.at - b.at)
  for (const { at, stored } of found) {
    try {
      while (folded < at) state = evolve(source, state, events[folded++])
      stored.events.reduce<unknown>((before, event) => evolve(source, before, event), state)
    } catch (thrown) {
      return {
        law: "what older programs have stored can be applied",
        detail: `In place of the last ${events[at]!._tag}, on ${stored.shown}: evolve has thrown ${thrownText(thrown)}.`,
        cause: thrown
      }
    }
  }
  return undefined
}
