import { Schema } from "effect"

const Status = Schema.Literals(["open", "closed"])

export class Owner extends Schema.Class<Owner>("Owner")({
  name: Schema.String,
  since: Schema.optionalKey(Schema.DateTimeUtc)
}) {}

export const AccountId = Schema.String.pipe(Schema.brand("AccountId"))

export const Summary = Schema.Struct({
  id: AccountId,
  owner: Schema.NullOr(Owner),
  status: Status,
  total: Schema.Int,
  rate: Schema.FiniteFromString,
  cents: Schema.BigInt,
  frozen: Schema.optionalKey(Schema.Boolean),
  openedAt: Schema.Date,
  updatedAt: Schema.DateTimeUtcFromMillis,
  note: Schema.Option(Schema.String),
  tags: Schema.Array(Schema.String),
  days: Schema.Array(Schema.DateTimeUtc),
  labels: Schema.Record(Schema.String, Schema.String)
})

/** The parts of a view that a query needs. */
export const AccountSummary = { name: "AccountSummary", schemas: { state: Summary } }
