/** What older programs have stored or sent: former versions and retired types, with what makes current values of them. */
import { CommandCodec, type Participant } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Arbitrary, Result, type Schema } from "effect"
import { storable } from "../histories/storable.ts"
import { type AnyAggregate, type AnyBoundary, isBoundary, type Tagged } from "../histories/world.ts"

/** A former version of an event or a command, or of a retired event. */
export interface Former {
  readonly what: "event" | "command"
  readonly tag: string
  readonly version: number
  readonly schema: Schema.Codec<Tagged, unknown>
  /** The functions of the author, in their order, each with the schema of what it takes. */
  readonly steps: ReadonlyArray<Step>
  /** The current values that its JSON becomes; it has the tag. */
  readonly read: (json: Schema.JsonObject) => Result.Result<ReadonlyArray<Tagged>, Error>
  /** The schema of the current values with a tag. */
  readonly current: (tag: string) => Schema.Codec<unknown, unknown> | undefined
}

/** A function of the author of an aggregate, from one version to the one beside it, or from a retired event to current ones. */
interface Step {
  readonly takes: Schema.Codec<unknown, unknown>
  readonly run: (value: unknown) => unknown
}

/** What is known of the versions of one kind. */
interface Versions {
  readonly version: number
  readonly versions: ReadonlyArray<{
    readonly schema: Schema.Codec<unknown, unknown>
    readonly step: ((value: never) => unknown) | undefined
  }>
  readonly becomes?: ((value: never) => unknown) | undefined
}

/** What declares the events of an aggregate or of a topic. */
export type Declared = Pick<Participant.Any["source"], "name" | "schemas">

/** The former versions of the events of a source, and its retired ones. */
export const formerEvents = (source: Declared): ReadonlyArray<Former> => {
  const known = formers.get(source)
  if (known !== undefined) return known
  const { decode } = EventCodec.of(source as Pick<Participant.Source<string, unknown, Tagged>, "name" | "schemas">)
  const place = { streamId: `${source.name}-a`, version: 1 } as Pick<
    Parameters<typeof decode>[0],
    "streamId" | "version"
  >
  const made = Array.from(source.schemas.stored).flatMap(([tag, versions]) =>
    formerOf(tag, versions).map((former): Former => ({
      ...former,
      what: "event",
      current: (tag) => source.schemas.events.get(tag),
      read: ({ _tag: _, ...data }) => decode({ ...place, type: tag, schemaVersion: former.version, data })
    }))
  )
  formers.set(source, made)
  return made
}

const formers = new WeakMap<object, ReadonlyArray<Former>>()

/** The former versions of the commands of an aggregate or a boundary. */
export const formerCommands = (target: AnyAggregate | AnyBoundary): ReadonlyArray<Former> => {
  const decode = isBoundary(target) ? CommandCodec.ofBoundary(target).decode : CommandCodec.of(target).decode
  const ofKind = (tag: string, versions: Versions, schema: Schema.Codec<Tagged, unknown>) =>
    formerOf(tag, versions).map((former): Former => ({
      ...former,
      what: "command",
      current: () => schema,
      read: (json) => Result.map(decode({ ...json, _version: former.version }), (command) => [command])
    }))
  if (!isBoundary(target)) {
    const { commands, sent } = target.schemas
    return Array.from(sent).flatMap(([tag, versions]) => ofKind(tag, versions, commands.get(tag)!))
  }
  return target.sent === undefined ? [] : ofKind(target.name, target.sent, target.command)
}

const formerOf = (tag: string, { becomes, version: present, versions }: Versions) =>
  versions.flatMap(({ schema }, i) => {
    const version = i + 1
    const steps: Array<Step> = []
    const direction = version < present ? 1 : -1
    for (let at = version; at !== present; at += direction) {
      const { schema: takes, step } = versions[at - 1]!
      steps.push({ takes, run: step as unknown as Step["run"] })
    }
    if (becomes !== undefined) {
      steps.push({ takes: versions[present - 1]!.schema, run: becomes as unknown as Step["run"] })
    }
    return steps.length === 0 ? [] : [{ tag, version, schema: schema as Schema.Codec<Tagged, unknown>, steps }]
  })

/** Generated values of a former version. */
export const arbitraryOf = ({ schema, tag, version, what }: Former, name: string): Arbitrary.Arbitrary<Tagged> => {
  try {
    return storable(Arbitrary.schema(schema), schema)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`version ${version} of the ${what} ${tag} of ${name} cannot be generated: ${why}`, { cause })
  }
}

/** What a program has stored or sent, for a message. */
export const shownOf = ({ tag, version, what }: Former, json: Schema.Json): string =>
  `the ${what} ${tag} of version ${version}, ${JSON.stringify(json)}`
