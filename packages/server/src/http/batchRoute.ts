/** The route that executes many commands, each of which has a result of its own. */
import type { Api, Policy } from "@hexfold/core"
import { Cause, Effect, Schema } from "effect"
import { InvalidRequest } from "../errors.ts"
import { commandsOf } from "../serving/commands.ts"
import { errorsIn } from "../serving/failures.ts"
import { failureIn, publicOf, told } from "../web/problems.ts"
import { jsonBody } from "../web/bodies.ts"
import { identified } from "../web/identity.ts"
import { json, type Route } from "./routes.ts"

const Command = Schema.StructWithRest(Schema.Struct({ _tag: Schema.String }), [
  Schema.Record(Schema.String, Schema.Unknown)
])

/** A batch as it is sent. The commands of one stream are executed in their order. */
export const Batch = Schema.Struct({
  commands: Schema.Array(
    Schema.Union([
      Schema.Struct({
        aggregate: Schema.String,
        /** The text of the id, as in an address. */
        id: Schema.String,
        command: Command,
        key: Schema.optionalKey(Schema.NonEmptyString),
        expectedVersion: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)))
      }),
      Schema.Struct({
        boundary: Schema.String,
        command: Command,
        key: Schema.optionalKey(Schema.NonEmptyString)
      })
    ])
  )
})

type Item = (typeof Batch.Type)["commands"][number]

/** How many streams get commands of one batch at once. */
const concurrency = 16

/** The route of batches. */
export const batchRoute = (
  api: Api.Any,
  { maxBatch, maxBodyBytes }: { readonly maxBatch: number; readonly maxBodyBytes: number }
): Route => {
  const commands = commandsOf(api)
  const execute = (item: Item, caller: Policy.Caller | undefined) => {
    const { command, key } = item
    const request = { caller, command, ...(key === undefined ? {} : { key }) }
    if ("boundary" in item) return commands.boundary({ ...request, boundary: item.boundary })
    const { aggregate, expectedVersion, id } = item
    const version = expectedVersion === undefined ? {} : { expectedVersion }
    return commands.aggregate({ ...request, ...version, aggregate, id: { text: id } })
  }
  return {
    method: "POST",
    path: "/batch",
    handle: (request) =>
      Effect.gen(function* () {
        const { caller } = yield* identified(request)
        const body = yield* jsonBody(request, maxBodyBytes)
        const batch = yield* Effect.mapError(
          Effect.fromResult(decode(body)),
          (error) => new InvalidRequest({ part: "body", detail: error.message, errors: errorsIn(error) })
        )
        if (batch.commands.length > maxBatch) {
          return yield* new InvalidRequest({ part: "commands", detail: `a batch has up to ${maxBatch} commands` })
        }
        const results: Array<object> = []
        const groups = Map.groupBy(batch.commands.entries(), ([i, item]) =>
          "boundary" in item ? `boundary ${i}` : `aggregate ${item.aggregate}-${item.id}`
        )
        yield* Effect.forEach(
          groups.values(),
          (group) =>
            Effect.forEach(
              group,
              ([i, item]) =>
                Effect.map(resultOf(execute(item, caller)), (result) => {
                  results[i] = result
                }),
              { discard: true }
            ),
          { concurrency, discard: true }
        )
        return json({ results })
      })
  }
}

const decode = Schema.decodeUnknownResult(Batch)

// A command that throws has a result of its own, too: those beside it have happened.
const resultOf = <E, R>(
  execution: Effect.Effect<{ readonly receipt: object }, E, R>
): Effect.Effect<object, never, R> =>
  execution.pipe(
    Effect.map(({ receipt }): object => ({ status: 200, ...receipt })),
    Effect.catchCause((cause) => {
      if (Cause.hasInterrupts(cause)) return Effect.interrupt
      return Effect.map(told(failureIn(cause), "a command of a batch"), publicOf)
    })
  )
