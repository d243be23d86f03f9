/** The laws of a view, on the events of a history. */
import type { EventStore, Participant, View } from "@hexfold/core"
import { EventCodec, InlineViews } from "@hexfold/core/adapter"
import { DateTime, Equal, Result, Schema } from "effect"
import { atAnotherTime } from "./atAnotherTime.ts"
import type { Broken } from "./broken.ts"
import { replacements } from "./formerHistories.ts"
import { frozen, isMutation } from "../histories/frozen.ts"
import { withKeys } from "../histories/journey.ts"
import { isStateless } from "../histories/members.ts"
import { printed } from "../histories/printed.ts"
import { type States, statesAfter } from "../histories/states.ts"
import { guard, idOf, type Logged, type Run, type Stream } from "../histories/world.ts"

/** Records as a store keeps them: JSON by key. */
export type Stored = ReadonlyMap<string, Schema.Json>

type Recorded = ReadonlyArray<EventStore.RecordedEvent>

/** The events of a history, as a store has recorded them, or the first that it cannot record. */
const recordedOf = (log: ReadonlyArray<Logged>): Result.Result<Recorded, Broken> => {
  const versions = new Map<string, number>()
  const recorded: Array<EventStore.RecordedEvent> = []
  for (const [i, { event, source, streamId }] of log.entries()) {
    const position = i + 1
    const version = (versions.get(streamId) ?? 0) + 1
    versions.set(streamId, version)
    const kept = source.schemas.events.has(event._tag) ? codecOf(source).encode(event) : undefined
    if (kept === undefined || Result.isFailure(kept)) {
      const detail = `${source.name} caused ${printed(event)}: ${kept?.failure.message ?? "it is not declared"}`
      return Result.fail({ law: "every event can be recorded", detail })
    }
    const { data, schemaVersion, type } = kept.success
    const id = `00000000-0000-7000-8000-${position.toString(16).padStart(12, "0")}`
    const recordedAt = DateTime.makeUnsafe(position * 1_000)
    const metadata = { correlationId: id, causationId: id }
    recorded.push({ id, streamId, version, position, type, schemaVersion, data, metadata, recordedAt, imported: false })
  }
  return Result.succeed(recorded)
}

const codecOf = (source: Participant.Any["source"]) =>
  EventCodec.of(source as Participant.Source<string, unknown, Logged["event"]>)

/** The records after some batches of events, or the first event that cannot be applied. */
const folded = (
  view: View.Any,
  batches: ReadonlyArray<ReadonlyArray<EventStore.RecordedEvent>>,
  before: Stored = new Map(),
  reorder: (json: Schema.Json) => Schema.Json = (json) => json
): Result.Result<Stored, string> => {
  const records = new Map(before)
  for (const batch of batches) {
    const changes = Result.flatMap(
      InlineViews.plan(
        view,
        batch.map((event) => ({ ...event, data: reorder(event.data) }))
      ),
      ({ fold, keys }) =>
        fold(new Map(keys.flatMap((key) => (records.has(key) ? [[key, reorder(records.get(key)!)]] : []))))
    )
    if (Result.isFailure(changes)) return Result.fail(changes.failure.message)
    for (const { key, state } of changes.success.put) records.set(key, JSON.parse(JSON.stringify(state)) as Schema.Json)
    for (const key of changes.success.remove) records.delete(key)
  }
  return Result.succeed(records)
}

/** The first law that the view breaks on the events of the history. */
export const viewLaws =
  (view: View.Any) =>
  ({ log }: Run): Broken | undefined => {
    const recorded = recordedOf(log)
    if (Result.isFailure(recorded)) return recorded.failure
    const events = recorded.success
    const changed = ofInputs(view, log, events)
    if (changed !== undefined) return changed
    const whole = folded(view, [events])
    if (Result.isFailure(whole)) return { law: "every event can be applied", detail: whole.failure }
    const always = "evolve is deterministic"
    const others: ReadonlyArray<readonly [string, ReturnType<typeof folded>]> = [
      [always, atAnotherTime(() => folded(view, [events]))],
      ["the records do not depend on where a batch ends", folded(view, inBatches(events, 1))],
      ["the records do not depend on where a batch ends", folded(view, inBatches(events, 3))],
      ["the records do not depend on the order of keys", folded(view, inBatches(events, 1), new Map(), reversed)],
      // Only where each record is of one stream do the streams not matter to each other.
      ...(view.perStream
        ? ([["the records do not depend on the order of streams", folded(view, byStream(events))]] as const)
        : [])
    ]
    for (const [each, other] of others) {
      if (Result.isFailure(other)) return { law: each, detail: `One batch has all events. Otherwise: ${other.failure}` }
      const detail = differenceOf(view, whole.success, other.success)
      if (detail !== undefined) return { law: each, detail }
    }
    return undefined
  }

/**
 * The law that the events of older programs break in a view. The events that a stored event has become are applied
 * together, wherever a batch ends.
 */
export const formerViewLaw =
  (view: View.Any, seed: number) =>
  ({ log }: Run): Broken | undefined => {
    const recorded = recordedOf(log)
    if (Result.isFailure(recorded)) return recorded.failure
    for (const source of view.sources) {
      const own = [...log.entries()].filter(([, each]) => each.source.name === source.name)
      const found = [...replacements(source, own.map(([, { event }]) => event), seed)] // prettier-ignore
      // One of them in each history: a view is slow.
      const one = found[log.length % found.length]
      if (one === undefined) continue
      const [place] = own[one.at]!
      const { data, schemaVersion, shown, type } = one.stored
      const events = [...recorded.success.slice(0, place), { ...recorded.success[place]!, data, schemaVersion, type }]
      const whole = folded(view, [events])
      const detail = `In place of the last ${log[place]!.event._tag}, on ${shown}: `
      if (Result.isFailure(whole)) return { law: formerView, detail: detail + whole.failure }
      const singly = folded(view, inBatches(events, 1))
      const other = Result.isFailure(singly) ? singly.failure : differenceOf(view, whole.success, singly.success)
      if (other !== undefined) return { law: "the records do not depend on where a batch ends", detail: detail + other }
    }
    return undefined
  }

const formerView = "what older programs have stored can be applied"

/** What else is known of the records. */
export interface Facts {
  /** Their JSON. */
  readonly stored: Stored
  /** The records and the states, for a message. */
  readonly shown: () => string
}

const shownOf = (records: ReadonlyMap<string, unknown>, streams: ReadonlyMap<string, Stream>): string =>
  [
    `The records are ${printed(Object.fromEntries(records))}.`,
    ...Array.from(streams.values())
      .filter(({ source }) => !isStateless(source))
      .map(({ state, streamId }) => `The state of ${streamId} is ${printed(state)}.`)
  ].join("\n")

/** What a law says of the records after each command that causes events, and of the states at that time. */
export const eachRecords =
  (view: View.Any, law: (records: ReadonlyMap<string, unknown>, states: States, facts: Facts) => Broken | undefined) =>
  ({ log, steps }: Run): Broken | undefined => {
    const recorded = recordedOf(log)
    if (Result.isFailure(recorded)) return recorded.failure
    const events = recorded.success
    const decode = Schema.decodeUnknownSync(Schema.toCodecJson(view.schemas.state))
    const streams = new Map<string, Stream>()
    let stored: Stored = new Map()
    let done = 0
    for (const { parts } of steps) {
      const count = parts.reduce((sum, part) => sum + part.events.length, 0)
      if (count === 0) continue
      for (const part of parts) if (part.events.length > 0) streams.set(part.after.streamId, part.after)
      const next = folded(view, [events.slice(done, (done += count))], stored)
      if (Result.isFailure(next)) return { law: "every event can be applied", detail: next.failure }
      stored = next.success
      const records = new Map(Array.from(stored, ([key, state]) => [key, decode(state)]))
      const found = law(records, statesAfter([...streams.values()]), { stored, shown: () => shownOf(records, streams) })
      if (found !== undefined) return found
    }
    return undefined
  }

// Handlers are called with frozen inputs, once for each event and key.
const ofInputs = (view: View.Any, log: ReadonlyArray<Logged>, events: Recorded): Broken | undefined => {
  const { evolve, keysOf } = view as View.View<string, unknown, Logged["event"], View.Envelope<string, unknown>>
  const states = new Map<string, unknown>()
  for (const [i, { position, recordedAt, streamId, version, metadata, id: eventId }] of events.entries()) {
    const { event, source } = log[i]!
    const id = idOf(log[i]!)
    const place = { aggregate: source.name, id, streamId, eventId, version, position, part: 0, recordedAt, metadata }
    const envelope = frozen(place)
    if (!InlineViews.follows(view, { streamId, type: event._tag })) continue
    try {
      const by = guard(source.schemas.events.get(event._tag), event)
      const given = by.given as Logged["event"]
      for (const key of Result.getOrElse(keysOf(given, envelope), () => [])) {
        const before = guard(view.schemas.state, states.get(key))
        states.set(key, frozen(evolve(before.given, given, envelope)))
        before.check()
      }
      by.check()
    } catch (thrown) {
      // What else a handler throws is found by the fold, which says where.
      if (!isMutation(thrown)) return undefined
      return { law: "evolve does not change its inputs", detail: `${printed(event)}: ${String(thrown)}` }
    }
  }
  return undefined
}

const inBatches = <A>(all: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))

const byStream = (events: ReadonlyArray<EventStore.RecordedEvent>) =>
  [...Map.groupBy(events, ({ streamId }) => streamId).values()].reverse()

// JSON with its keys in another order is JSON.
const reversed = (json: Schema.Json): Schema.Json => withKeys(json, (keys) => keys.reverse()) as Schema.Json

const differenceOf = (view: View.Any, one: Stored, other: Stored): string | undefined => {
  const decode = Schema.decodeUnknownSync(Schema.toCodecJson(view.schemas.state))
  for (const key of new Set([...one.keys(), ...other.keys()])) {
    const [a, b] = [one.get(key), other.get(key)]
    if (textOf(a) === textOf(b)) continue
    // Sets and maps have no order.
    if (a !== undefined && b !== undefined && Equal.equals(decode(a), decode(b))) continue
    return `The record ${JSON.stringify(key)} is ${textOf(a)} when one batch has all events, and otherwise ${textOf(b)}.`
  }
  return undefined
}

const textOf = (json: Schema.Json | undefined): string => (json === undefined ? "not there" : JSON.stringify(json))
