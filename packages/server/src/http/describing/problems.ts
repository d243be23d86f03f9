/** Problems in the description of an API: those of the front, and the errors of a domain. */
import { Schema } from "effect"
import { HttpApiSchema } from "effect/http-api"
import { type AnyAggregate, type AnyBoundary, fieldsOf } from "../../serving/declared.ts"
import { mediaType, statusOf } from "../../web/problems.ts"
import { oncePer } from "./oncePer.ts"

type AnySchema = Schema.Codec<unknown, unknown>
type Fields = Readonly<Record<string, AnySchema>>

const text = Schema.optionalKey(Schema.String)

const asProblem = (identifier: string, members: Fields, status: number): Schema.Top =>
  Schema.Struct({ ...members, status: Schema.Literal(status) })
    .pipe(HttpApiSchema.status(status), HttpApiSchema.asJson({ contentType: mediaType }))
    .annotate({ identifier })

// What is wrong with a request, and where.
const mistakes = {
  part: text,
  errors: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({ path: Schema.Array(Schema.Union([Schema.String, Schema.Int])), message: Schema.String })
    )
  )
}

// The document writes a choice of one text as a choice, and generators of clients make less of it.
const oneOf = (texts: ReadonlyArray<string>): AnySchema =>
  texts.length === 1 ? Schema.Literal(texts[0]!) : Schema.Literals(texts)

/** One shape for each status. Clients tell what has happened by its title. */
const problem = (status: number, titles: readonly [string, ...ReadonlyArray<string>], members: Fields = {}) =>
  [
    status,
    asProblem(
      `Problem${status}`,
      {
        type: oneOf(titles.map((title) => `/problems/${title}`)),
        title: oneOf(titles),
        detail: text,
        ...members
      },
      status
    )
  ] as const

/** The problems of the front, by their statuses. */
export const problems: ReadonlyMap<number, Schema.Top> = new Map([
  problem(400, ["InvalidRequest", "InvalidCursor"], mistakes),
  problem(401, ["Unauthenticated"]),
  problem(403, ["Forbidden"]),
  problem(404, ["NotFound", "UnknownExecution"]),
  problem(409, ["CommandIdReused"]),
  problem(410, ["PositionLost"]),
  problem(412, ["VersionConflict"], { expected: Schema.Int, actual: Schema.Int }),
  problem(413, ["TooLarge"]),
  problem(422, ["TooManyParticipants"], { limit: Schema.Int }),
  problem(429, ["TooManyRequests", "TooManyExecutions"]),
  problem(500, ["Internal"]),
  problem(503, ["Unavailable", "Overloaded", "ConcurrencyConflict", "UnknownCommandVersion"])
])

/** The errors of a domain as problems, by their tags. */
export const rejectionsOf: (target: AnyAggregate | AnyBoundary) => ReadonlyMap<string, Schema.Top> = oncePer(
  (target) =>
    new Map(
      Array.from("schemas" in target ? target.schemas.errors : target.errors, ([tag, error]) => {
        const { detail: _, status: __, title: ___, type: ____, ...own } = fieldsOf(error)
        const members = {
          ...own,
          type: Schema.Literal(`/problems/${target.name}/${tag}`),
          title: Schema.Literal(tag),
          detail: Schema.String
        }
        return [tag, asProblem(`${target.name}${tag}`, members, statusOf(error))]
      })
    )
)
