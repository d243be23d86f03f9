import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

/** Why a schema has refused a value, if that is what a function has thrown. The constructor of a class throws an error with the reason as its cause. */
export const refusedBySchema = (thrown: unknown): Schema.SchemaError | undefined => {
  if (Schema.isSchemaError(thrown)) return thrown
  return Predicate.hasProperty(thrown, "cause") && SchemaIssue.isIssue(thrown.cause)
    ? new Schema.SchemaError(thrown.cause)
    : undefined
}
