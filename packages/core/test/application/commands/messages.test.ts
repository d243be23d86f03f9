import { expect, it } from "@effect/vitest"
import { messagesOf } from "../../support/compiler.ts"

const domain = `
import { Aggregate, Boundary, Decision, Executor, Projection, View } from "@hexfold/core"
import { Schema } from "effect"

const CourseId = Schema.String.pipe(Schema.brand("CourseId"))
class Enrol extends Schema.TaggedClass<Enrol>()("Enrol", { student: Schema.String, seats: Schema.Int }) {}
class Cancel extends Schema.TaggedClass<Cancel>()("Cancel", { student: Schema.String }) {}
class Enrolled extends Schema.TaggedClass<Enrolled>()("Enrolled", { student: Schema.String }) {}
class Full extends Schema.TaggedError<Full>()("Full", {}) {}
declare const Course: Aggregate.Aggregate<"Course", typeof CourseId.Type, number, Enrol | Cancel, Enrolled, Full>

class Register extends Schema.TaggedClass<Register>()("Register", { name: Schema.String }) {}
declare const Student: Aggregate.Aggregate<"Student", string, number, Register, never, never>

interface Move { readonly _tag: "Move"; readonly from: string; readonly to: string }
declare const Move: Boundary.Boundary<"Move", Move, { from: number; to: number }, Enrolled, Full>
declare const Courses: View.Any

const id = CourseId.make("ts")
`

const mistakes = [
  [
    "a plain text as the id",
    'Executor.execute(Course, "ts", new Cancel({ student: "s" }))',
    `Argument of type 'string' is not assignable to parameter of type 'string & Brand<"CourseId">'.
  Type 'string' is not assignable to type 'Brand<"CourseId">'.`
  ],
  [
    "a command of another aggregate",
    'Executor.execute(Course, id, new Register({ name: "n" }))',
    `Argument of type 'Register' is not assignable to parameter of type 'Cancel | Enrol'.
  Type 'Register' is missing the following properties from type 'Enrol': student, seats`
  ],
  [
    "a typo in a command's tag",
    'Executor.execute(Course, id, { _tag: "Cancle", student: "s" })',
    `Type '"Cancle"' is not assignable to type '"Cancel" | "Enrol"'. Did you mean '"Cancel"'?`
  ],
  [
    "a typo in a command's field",
    'Executor.execute(Course, id, { _tag: "Cancel", studnet: "s" })',
    `Object literal may only specify known properties, but 'studnet' does not exist in type 'Cancel'. Did you mean to write 'student'?`
  ],
  [
    "a field of another type",
    'Executor.execute(Course, id, { _tag: "Enrol", student: "s", seats: "2" })',
    `Type 'string' is not assignable to type 'number'.`
  ],
  ["no id", 'Executor.execute(Course, new Cancel({ student: "s" }))', `Expected 3-4 arguments, but got 2.`],
  [
    "a typo in an option",
    'Executor.execute(Course, id, new Cancel({ student: "s" }), { comandId: "c" })',
    `Object literal may only specify known properties, but 'comandId' does not exist in type 'AggregateOptions<number, never, never>'. Did you mean to write 'commandId'?`
  ],
  [
    "the views to wait for as an option",
    'Executor.execute(Course, id, new Cancel({ student: "s" }), { waitFor: [Courses] })',
    `Object literal may only specify known properties, and 'waitFor' does not exist in type 'AggregateOptions<number, never, never>'.`
  ],
  [
    "a typo in the command of a boundary",
    'Executor.execute(Move, { _tag: "Move", form: "a", to: "b" })',
    `Object literal may only specify known properties, and 'form' does not exist in type 'Move'.`
  ],
  [
    "an id before the command of a boundary",
    'Executor.execute(Move, id, { _tag: "Move", from: "a", to: "b" })',
    `Argument of type 'string & Brand<"CourseId">' is not assignable to parameter of type 'Move'.
  Type 'String & Brand<"CourseId">' is missing the following properties from type 'Move': _tag, from, to`
  ],
  ["no id, from outside", "Executor.executeUnknown(Course, {})", `Expected 3-4 arguments, but got 2.`],
  [
    "a typo in an option, from outside",
    'Executor.executeUnknown(Course, "ts", {}, { retries: 1 })',
    `Object literal may only specify known properties, and 'retries' does not exist in type 'AggregateOptions<number, never, never>'.`
  ],
  [
    "the version of a role that the boundary does not have",
    'Executor.execute(Move, { _tag: "Move", from: "a", to: "b" }, { expectedVersion: { form: 3 } })',
    `Type 'number' is not assignable to type '"form is not a role of one stream"'.`
  ],
  [
    "a rule that answers with a boolean",
    'Executor.execute(Course, id, new Cancel({ student: "s" }), { require: ({ version }) => version > 3 })',
    `Type '({ version }: { readonly state: number; readonly version: number; }) => boolean' is not assignable to type '(decidedOn: { readonly state: number; readonly version: number; }) => Result<unknown, never>'.
  Type 'boolean' is not assignable to type 'Result<unknown, never>'.`
  ]
] as const

it("the compiler speaks of the argument that is wrong", async () => {
  // In one program, for each start of the compiler takes seconds.
  const calls = mistakes.map(([, call]) => call)
  const messages = await messagesOf(`${domain}${calls.join("\n")}\n`)
  expect(messages.map((message, i) => [mistakes[i]?.[0], message])).toEqual(
    mistakes.map(([mistake, , message]) => [mistake, message])
  )
}, 60_000)
