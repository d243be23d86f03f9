import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

const Failure = Schema.Struct({
  position: Schema.Int,
  stream: Schema.String,
  eventVersion: Schema.Int,
  type: Schema.String,
  mishap: Schema.optionalKey(Schema.Struct({ step: Schema.String, cause: Schema.String })),
  at: Schema.Number
})

const View = Schema.Struct({
  view: Schema.String,
  version: Schema.Int,
  /** It was stopped by an event, or its oldest event waits for too long. */
  reason: Schema.Literals(["failed", "late"]),
  behind: Schema.Int,
  /** Of the oldest event that is not applied yet. */
  age: Schema.Duration,
  /** The event that stopped it. */
  failure: Schema.optionalKey(Failure)
})

/** Some views are not well; it names each and tells why. */
export class Unhealthy extends Schema.TaggedError<Unhealthy>()("Unhealthy", {
  views: Schema.Array(View)
}) {
  override get message(): string {
    return this.views.map(describe).join("; ")
  }
}

const describe = ({ age, behind, failure, version, view }: typeof View.Type): string => {
  const name = `${view}, version ${version}`
  if (failure === undefined) return `${name}: ${behind} events behind, the oldest for ${Duration.format(age)}`
  const { eventVersion, mishap, position, stream, type } = failure
  const why = mishap === undefined ? "" : `, ${mishap.step}: ${mishap.cause}`
  return `${name}: stopped by event ${eventVersion} of ${stream}, a "${type}" at position ${position}${why}`
}
