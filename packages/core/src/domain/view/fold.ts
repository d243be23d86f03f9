/** Events and records of a view as plain values, for tests. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as StreamId from "../StreamId.ts"
import type { Metadata } from "../metadata.ts"
import type { Declaring } from "../storedTypes.ts"
import type { Tagged } from "../tagged.ts"
import type { Envelope, View } from "./definition.ts"

/** An event for {@link fold}, with any part of its envelope and of its metadata. */
export interface Given<out Name extends string, out Id, out Event> extends Partial<
  Omit<Envelope<Name, Id>, "metadata">
> {
  readonly aggregate: Name
  readonly id: Id
  readonly streamId: StreamId.StreamId
  readonly metadata?: Partial<Metadata>
  readonly event: Event
}

/**
 * Events of an aggregate or a topic, for {@link fold}.
 *
 * @example
 * ```ts
 * import { Aggregate, View } from "@hexfold/core"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, { readonly _tag: "Reset" }, never>
 *
 * const byAnna = View.given(Counter, "a", { _tag: "Reset" }).map((given) => ({ ...given, metadata: { actor: "Anna" } }))
 * ```
 */
export const given = <Name extends string, Id, Event extends Tagged>(
  source: Declaring<Name, Event> & { readonly streamId: (id: Id) => StreamId.StreamId },
  id: NoInfer<Id>,
  ...events: ReadonlyArray<NoInfer<Event>>
): ReadonlyArray<Given<Name, Id, Event>> => {
  const streamId = source.streamId(id)
  return events.map((event) => ({ aggregate: source.name, id, streamId, event }))
}

/**
 * The records of a view by key after a sequence of events, for tests. The missing
 * parts of the envelopes are made up: positions and versions are counted, and
 * each event is recorded one second after the one before. As in a store, a
 * handler gets the former state as its JSON gives it back.
 *
 * Throws an `InvalidKey` if the view names a key that no record can have.
 *
 * @example
 * ```ts
 * import { Aggregate, View } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * interface Deposited { readonly _tag: "Deposited"; readonly amount: number }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, never, Deposited, never>
 *
 * const Deposits = View.make("Deposits", {
 *   from: [Account],
 *   state: Schema.Int,
 *   evolve: { Deposited: (count = 0) => count + 1 }
 * })
 *
 * View.fold(Deposits, [
 *   ...View.given(Account, "a", { _tag: "Deposited", amount: 1 }, { _tag: "Deposited", amount: 2 }),
 *   ...View.given(Account, "b", { _tag: "Deposited", amount: 3 })
 * ]) // Map { "a" => 2, "b" => 1 }
 * ```
 */
export const fold = <Name extends string, State, Event extends Tagged, In extends Envelope<string, unknown>>(
  view: View<Name, State, Event, In>,
  events: Iterable<Given<NoInfer<In>["aggregate"], NoInfer<In>["id"], NoInfer<Event>>>
): ReadonlyMap<string, State> => {
  const records = new Map<string, State>()
  const versions = new Map<string, number>()
  const kept = keeping(view.schemas.state)
  let last = 0
  for (const { event, ...known } of events) {
    const { position = last + 1, version = (versions.get(known.streamId) ?? 0) + 1 } = known
    last = position
    versions.set(known.streamId, version)
    const made = madeUp(position)
    const metadata = { ...made.metadata, ...known.metadata }
    const envelope = { part: 0, ...made, ...known, metadata, position, version } as In
    for (const key of Result.getOrThrow(view.keysOf(event, envelope))) {
      const state = view.evolve(records.get(key), event, envelope)
      if (state === undefined) records.delete(key)
      else records.set(key, kept(state))
    }
  }
  return records
}

// A state that its schema does not write as it is, such as a plain object for a class, stays as it is.
const keeping = <State>(schema: Schema.Codec<State, unknown>) => {
  const codec = Schema.toCodecJson(schema)
  const [encode, decode] = [Schema.encodeResult(codec), Schema.decodeUnknownResult(codec)]
  return (state: State): State => {
    const json = Result.map(encode(state), (written): unknown => JSON.parse(JSON.stringify(written)))
    return Result.getOrElse(Result.flatMap(json, decode), () => state)
  }
}

const madeUp = (position: number) => {
  const eventId = `00000000-0000-7000-8000-${position.toString(16).padStart(12, "0")}`
  return {
    eventId,
    recordedAt: DateTime.makeUnsafe(position * 1_000),
    metadata: { correlationId: eventId, causationId: eventId }
  }
}
