/** A row of the log, and the command that it stands for. */
import { Result, Schema, SchemaGetter } from "effect"
import * as Declaration from "./Declaration.ts"

/** A row that is not a valid row of the log. Nothing of its file was executed. */
export class MalformedRow extends Schema.TaggedError<MalformedRow>()("MalformedRow", {
  /** The row's line in the file. The header is line 1. */
  line: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `line ${this.line}: ${this.detail}`
  }
}

const Cents = Schema.NumberFromString.check(Schema.isFinite(), Schema.isGreaterThanOrEqualTo(0)).pipe(
  // The publisher added noise to the amounts. Cents are exact enough, and integers have the same sum in any order.
  Schema.decodeTo(Schema.Int, {
    decode: SchemaGetter.transform((euros: number) => Math.round(euros * 100)),
    encode: SchemaGetter.transform((cents: number) => cents / 100)
  })
)

const Columns = Schema.Struct({
  timestamp: Schema.DateTimeUtcFromString,
  declaration_id: Schema.NonEmptyString,
  step: Schema.NumberFromString.pipe(Schema.decodeTo(Schema.Int.check(Schema.isGreaterThan(0)))),
  step_id: Schema.NonEmptyString,
  activity: Schema.NonEmptyString,
  resource: Schema.Literals(["STAFF MEMBER", "SYSTEM"]),
  role: Schema.NonEmptyString,
  amount: Cents,
  budget_id: Schema.NonEmptyString
})

/** A command of the log, ready to be executed. */
export interface Row {
  readonly line: number
  readonly declaration: string
  readonly budget: string
  /** The id of the step. It is unique in the log, so executing a row again has no second effect. */
  readonly commandId: string
  readonly role: string
  readonly command: Declaration.Command
}

const decodeColumns = Schema.decodeUnknownResult(Columns, { errors: "all" })
const isApprover = Schema.is(Declaration.Approver)
const isRejecter = Schema.is(Declaration.Rejecter)

/** The command of a row. The row is given as its columns by name. */
export const decode = (columns: unknown, line: number): Result.Result<Row, MalformedRow> => {
  const decoded = decodeColumns(columns)
  if (Result.isFailure(decoded)) return Result.fail(new MalformedRow({ line, detail: decoded.failure.message }))
  const row = decoded.success
  const command = commandOf(row)
  return command === undefined
    ? Result.fail(new MalformedRow({ line, detail: `no activity of the workflow: "${row.activity}" by ${row.role}` }))
    : Result.succeed({
        line,
        declaration: row.declaration_id,
        budget: row.budget_id,
        commandId: row.step_id,
        role: row.role,
        command
      })
}

const commandOf = ({
  activity,
  amount: cents,
  budget_id: budget,
  role,
  step,
  timestamp: at
}: typeof Columns.Type): Declaration.Command | undefined => {
  switch (activity) {
    case "Request Payment":
      return new Declaration.RequestPayment({ step, at })
    case "Payment Handled":
      return new Declaration.HandlePayment({ step, at })
    case `Declaration SAVED by ${role}`:
      return role === "EMPLOYEE" ? new Declaration.Save({ step, at, cents, budget }) : undefined
    case `Declaration SUBMITTED by ${role}`:
      return role === "EMPLOYEE" ? new Declaration.Submit({ step, at, cents, budget }) : undefined
    case `Declaration APPROVED by ${role}`:
      return isApprover(role) ? new Declaration.Approve({ step, at, by: role }) : undefined
    case `Declaration FINAL_APPROVED by ${role}`:
      return role === "SUPERVISOR" ? new Declaration.ApproveFinally({ step, at }) : undefined
    case `Declaration REJECTED by ${role}`:
      return role === "EMPLOYEE"
        ? new Declaration.GiveUp({ step, at })
        : isRejecter(role)
          ? new Declaration.Reject({ step, at, by: role })
          : undefined
    default:
      return undefined
  }
}
