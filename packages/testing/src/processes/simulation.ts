/**
 * Simulates a process in a generated history: commands of others, what the process sends then, and what its targets make of
 * that.
 */
import type { EventStore, Process, View } from "@hexfold/core"
import { CommandCodec } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { DateTime, Option, Result } from "effect"
import { printed, thrownText } from "../histories/printed.ts"
import {
  type Actor,
  type AnyAggregate,
  type AnyBoundary,
  type Given,
  isBoundary,
  type Logged,
  type Run,
  type Step,
  type Tagged,
  tagOf,
  world
} from "../histories/world.ts"
import {
  type Answer,
  type Happened,
  type Happening,
  type Inspect,
  type Played,
  type Player,
  playerOf,
  type Problem,
  thrownBy
} from "./playing.ts"

/** Something that has happened to a process, and what it has come after. */
export interface Placed {
  readonly happening: Happening
  /** The command that has caused the event, by number. The events of one command are recorded together. */
  readonly command: number
  /** The place in the story of what has made the process send that command, if it has sent it. */
  readonly after: number | undefined
}

/** All that has happened to one process. */
export interface Story {
  readonly key: string
  readonly places: ReadonlyArray<Placed>
  readonly played: Played
  /** The answers to its commands, see {@link textOf}. */
  readonly answers: ReadonlyMap<string, ReadonlyArray<Answer>>
}

/** What has become of the processes in a history. */
export interface Simulated {
  readonly stories: ReadonlyArray<Story>
  /** All commands, also those of the process, and what they have led to. */
  readonly run: Run
  /** What went wrong at the end of the history. */
  readonly problem: (Problem & { readonly played: Played | undefined }) | undefined
}

/** A command as a text: equal commands have the same. */
export const textOf = ({ command, id, target }: Process.Sending): string =>
  JSON.stringify([target, id ?? null, command])

// So much happens in a history at most.
const mostHappenings = 200

interface Growing {
  readonly key: string
  readonly places: Array<Placed>
  played: Played
  readonly answers: Map<string, Array<Answer>>
}

/** Simulates a process among actors. The script has the commands of others. */
export const simulate = (
  process: Process.Any,
  {
    actors,
    inspect,
    script
  }: {
    readonly actors: ReadonlyArray<Actor>
    readonly script: ReadonlyArray<Given>
    readonly inspect?: Inspect
  }
): Simulated => {
  const player: Player = playerOf(process)
  const { attempt, run, take } = world()
  const followed = new Set(process.sources.map(({ name }) => name))
  const versions = new Map<string, number>()
  const stories = new Map<string, Growing>()
  const queue: Array<{
    readonly happened: Happened
    readonly command: number
    readonly sentBy: readonly [Growing, number] | undefined
  }> = []
  let problem: Simulated["problem"]
  let now = 0
  let position = 0
  let commands = 0
  let happenings = 0
  let current: Growing | undefined

  const fail = (found: Problem, played?: Played) => {
    problem ??= { ...found, played }
  }

  /** Records the events of a command. */
  const record = (step: Step, sentBy: readonly [Growing, number] | undefined) => {
    take(step)
    const command = ++commands
    for (const { after, events, participant } of step.parts) {
      for (const event of events) {
        const logged: Logged = { source: participant.source, streamId: after.streamId, event }
        const recorded = recordedOf(logged)
        if (recorded !== undefined && followed.has(participant.source.name))
          queue.push({ happened: recorded, command, sentBy })
      }
    }
  }

  const recordedOf = (logged: Logged): Happened | undefined => {
    const { event, source, streamId } = logged
    position++
    now += 1_000
    const version = (versions.get(streamId) ?? 0) + 1
    versions.set(streamId, version)
    const id = (source as unknown as AnyAggregate).idOf(streamId)
    const codec = EventCodec.of(source as unknown as AnyAggregate)
    // A law of the aggregate says what is wrong with an event that cannot be recorded.
    const kept = source.schemas.events.has(event._tag) ? codec.encode(event) : undefined
    if (kept === undefined || Result.isFailure(kept) || Option.isNone(id)) return undefined
    const eventId = `00000000-0000-7000-8000-${position.toString(16).padStart(12, "0")}`
    const metadata = { correlationId: eventId, causationId: eventId }
    const recordedAt = DateTime.makeUnsafe(now)
    const place = { streamId, version, position, metadata, recordedAt }
    const recorded: EventStore.RecordedEvent = { ...place, id: eventId, ...kept.success, imported: false }
    const envelope: View.Envelope<string, unknown> = {
      ...place,
      aggregate: source.name,
      id: id.value,
      eventId,
      part: 0
    }
    return { _tag: "Event", ...logged, recorded, envelope }
  }

  const answerOf =
    (story: Growing, place: number) =>
    (sending: Process.Sending): Answer => {
      const given = givenOf(actors, sending)
      const answer = Result.isFailure(given) ? failed(given.failure) : answerTo(given.success, [story, place])
      const text = textOf(sending)
      story.answers.set(text, [...(story.answers.get(text) ?? []), answer])
      return answer
    }

  const answerTo = (given: Given, sentBy: readonly [Growing, number]): Answer => {
    const step = attempt(given)
    record(step, sentBy)
    switch (step.outcome._tag) {
      case "Accepted":
        return { _tag: "Accepted" }
      case "Rejected":
        return { _tag: "Rejected", error: step.outcome.error as Tagged }
      case "Refused":
        return failed(`it is refused, because of ${step.outcome.why}`)
      case "Defect":
        return failed(`${step.outcome.of} has thrown ${thrownText(step.outcome.thrown)}`)
    }
  }

  const happen = (story: Growing, placed: Placed) => {
    current = story
    const place = story.places.push(placed) - 1
    if (++happenings > mostHappenings) {
      const detail = `After ${mostHappenings} events that follow from each other there are still more: the last one was ${shown(placed.happening)}.`
      return fail({ law: "a process comes to an end when nobody else does anything", detail }, story.played)
    }
    const taken = player.take(story.played, placed.happening, answerOf(story, place), inspect)
    if (Result.isFailure(taken)) fail(taken.failure, taken.failure.played)
    else story.played = taken.success
  }

  const drain = () => {
    for (let next = queue.shift(); next !== undefined && problem === undefined; next = queue.shift()) {
      const { command, happened, sentBy } = next
      const key = keyOf(process, happened)
      if (Result.isFailure(key)) return fail(key.failure)
      if (key.success === undefined) continue
      const story = stories.get(key.success) ?? {
        key: key.success,
        places: [],
        played: player.begin(key.success),
        answers: new Map()
      }
      stories.set(key.success, story)
      const after = sentBy?.[0] === story ? sentBy[1] : undefined
      happen(story, { happening: happened, command, after })
    }
  }

  /** Lets the time of the next timeout come. */
  const expire = (): boolean => {
    const waiting = [...stories.values()].flatMap((story) =>
      story.played.instance.status === "ended"
        ? []
        : story.played.instance.waiting.map(({ at, name }) => ({ at: at.epochMilliseconds, name, story }))
    )
    // What follows from a timeout needs times after it.
    const coming = waiting.filter(({ at }) => at <= latest)
    const [first] = coming.toSorted((a, b) => a.at - b.at)
    if (first === undefined || problem !== undefined) return false
    now = Math.max(now, first.at)
    happen(first.story, { happening: { _tag: "Timeout", name: first.name }, command: ++commands, after: undefined })
    drain()
    return true
  }

  try {
    for (const [i, given] of script.entries()) {
      if (problem !== undefined) break
      record(attempt(given), undefined)
      drain()
      if (i % timeoutEvery === timeoutEvery - 1) expire()
    }
    for (let last = 0; last < mostLast && expire(); last++);
  } catch (cause) {
    // What throws is part of the process or of a target: it is told with the history that leads to it.
    fail(thrownBy(process, cause), current?.played)
  }
  return { stories: [...stories.values()], run, problem }
}

// A timeout that is to come in the last thousand years of the calendar does not come.
const latest = 8.64e15 - 1_000 * 366 * 86_400_000

// A timeout comes after so many commands of others, and so many come at the end.
const timeoutEvery = 4
const mostLast = 10

const failed = (why: string): Answer => ({ _tag: "Failed", why })

/** The process that an event concerns. */
const keyOf = (process: Process.Any, { envelope, event }: Happened): Result.Result<string | undefined, Problem> => {
  const keysOf = process.keysOf as unknown as (
    ...given: ReadonlyArray<unknown>
  ) => Result.Result<ReadonlyArray<string>, Error>
  try {
    return Result.mapBoth(keysOf(event, envelope), {
      onSuccess: ([key]) => key,
      onFailure: ({ message }): Problem => ({ law: "every event has a key", detail: message })
    })
  } catch (cause) {
    const detail = `On ${printed(event)}, key of ${process.name} has thrown ${thrownText(cause)}.`
    return Result.fail({ law: "key does not throw", detail, cause })
  }
}

/** A command of a process, as its target gets it. */
const givenOf = (actors: ReadonlyArray<Actor>, sending: Process.Sending): Result.Result<Given, string> => {
  const actor = actors.find(({ target }) => target.name === sending.target)
  if (actor === undefined) return Result.fail(`${sending.target} is not among the targets`)
  const read = decodedOf(actor.target, sending)
  return Result.map(
    Result.mapError(read, ({ message }) => message),
    ({ command, id }) => {
      const name = isBoundary(actor.target) ? actor.target.name : tagOf(command)
      return { actor, kind: actor.kinds.find((kind) => kind.name === name)!, id, command }
    }
  )
}

/** The id and the command that a process has sent. */
export const decodedOf = (target: AnyAggregate | AnyBoundary, { command, id }: Process.Sending) =>
  isBoundary(target)
    ? Result.map(CommandCodec.ofBoundary(target).decode(command), (command) => ({ id: undefined, command }))
    : Result.gen(function* () {
        const codec = CommandCodec.of(target)
        return { id: yield* codec.decodeId(id), command: yield* codec.decode(command) }
      })

const shown = (happening: Happening): string =>
  happening._tag === "Event" ? printed(happening.event) : `the timeout ${happening.name}`
