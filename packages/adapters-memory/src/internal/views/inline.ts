import { type EventStore, type ProjectionFailed, StreamId, type View } from "@hexfold/core"
import { InlineViews } from "@hexfold/core/adapter"
import { Result } from "effect"
import type { Maintaining } from "./commits.ts"
import {
  demote,
  type Follows,
  foreignOf,
  type Generations,
  type Inline,
  inlineOf,
  type Stored,
  write
} from "./generations.ts"

type Events = ReadonlyArray<EventStore.RecordedEvent>

/** How the appends of one process maintain the views that it knows. */
export interface Appending extends Maintaining {
  /** Applies events in the step that records them, at a time in milliseconds. Returns a warning for each view that appends no longer maintain. */
  readonly apply: (events: Events, now: number) => ReadonlyArray<string>
}

/** Every function is part of one synchronous step, so a reader always finds events and records at one position. */
export const make = (log: Events, generations: Generations, views: ReadonlyArray<View.Any>): Appending => {
  const known = InlineViews.select(views)
  // Another definition under the same name and version must not touch the records.
  const definitionOf = (view: string, { fingerprint, version }: Stored) =>
    known.find(
      (each) =>
        each.name === view &&
        each.version === version &&
        (fingerprint === undefined || each.fingerprint === fingerprint)
    )

  const promote = (view: string, stored: Stored): void => {
    const definition = definitionOf(view, stored)
    const [part, other] = stored.parts
    if (definition === undefined || part === undefined || other !== undefined || stored.parked.size > 0) return
    // If an event cannot be applied, the generation stays with the projection.
    if (maintain(definition, stored, log.slice(part.position)) !== undefined) return
    stored.inline = followsOf(definition)
  }

  // A definition with the same name that follows other events must not touch the records.
  const knownOf = ({ follows, stored, view }: Inline): View.Any | undefined => {
    const definition = definitionOf(view, stored)
    return definition !== undefined && isSame(follows, followsOf(definition)) ? definition : undefined
  }

  // If this process cannot apply the events, the records contain all earlier events and none of these.
  const applyTo = (inline: Inline, events: Events, now: number): ReadonlyArray<string> => {
    const { follows, stored, view } = inline
    if (!events.some((event) => isFollowed(follows, event))) return []
    const known = knownOf(inline)
    const failed = known && maintain(known, stored, events)
    if (known !== undefined && failed === undefined) return []
    demote(generations, stored, events[0]!.position - 1)
    stored.foreign = known === undefined ? { follows, at: now } : undefined
    return [InlineViews.demotion(view, stored.version, failed)]
  }

  return {
    knows: (view, stored) => definitionOf(view, stored) !== undefined,
    promote,
    apply: (events, now) => {
      for (const left of foreignOf(generations)) {
        const isForeign = events.some((event) => isFollowed(left.follows, event)) && knownOf(left) === undefined
        if (isForeign) left.stored.foreign!.at = now
      }
      return inlineOf(generations).flatMap((inline) => applyTo(inline, events, now))
    }
  }
}

const followsOf = (view: View.Any): Follows => {
  const { known, touching } = InlineViews.storedTypesOf(view)
  return { aggregates: InlineViews.aggregatesOf(view), types: touching, known }
}

const isSame = (a: Follows, b: Follows): boolean =>
  isSameSet(a.aggregates, b.aggregates) && isSameSet(a.types, b.types) && isSameSet(a.known, b.known)

const isSameSet = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((name) => b.includes(name))

/** Applies events to records, or returns why one of them cannot be applied. */
const maintain = (view: View.Any, stored: Stored, events: Events): ProjectionFailed | undefined => {
  const folded = Result.flatMap(InlineViews.plan(view, events), ({ fold }) => fold(stored.records))
  if (Result.isFailure(folded)) return folded.failure
  write(stored, folded.success)
  return undefined
}

const isFollowed = ({ aggregates, known, types }: Follows, { streamId, type }: EventStore.RecordedEvent): boolean =>
  (types.includes(type) || !known.includes(type)) && aggregates.includes(StreamId.aggregateOf(streamId))
