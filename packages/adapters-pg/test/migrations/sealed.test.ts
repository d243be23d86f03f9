import { createHash } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { describe } from "vitest"
import { present } from "../support/library.ts"

/** The digests of the migrations. Databases have had them, so a digest may be added here, but never changed. */
const sealed = {
  events: "f25db826569286c6",
  retention: "699d7dabf97613f6",
  views: "520a8c353935bdcb",
  generations: "d3c374e649156da2",
  inline: "e2d725ada4379173",
  revisions: "a4be95eb3e90a008",
  times: "e1fbd0870c213bae",
  histories: "f3cf9a6682a4ce5b",
  "view histories": "9c05506c52794815",
  "serving versions": "032b70275a37c6de",
  changes: "2209eac066f4f06d",
  fingerprints: "7c6d46a42f0867d8",
  "foreign appends": "9e2cad806002267d",
  comments: "2a54e6b6d166b1f7",
  "parked letters": "8d8a3bcaa6aa465f",
  "known types": "189af176b151547d",
  snapshots: "2a29afb21efc58dd",
  conversations: "265a16fcf587e96c"
}

/** The digests of the functions, by revision. The last one is that of this library. */
const revisions: Readonly<Record<number, string>> = {
  1: "90e53715b5e8bc55",
  2: "2a1c9d2c40bfb747",
  3: "a4752eaf5c50f429",
  4: "b395cfc3852b3091",
  5: "d597b4096c1c7afe"
}

const digest = (statements: ReadonlyArray<string>): string =>
  createHash("sha256").update(statements.join(";\n")).digest("hex").slice(0, 16)

describe("sealed SQL", () => {
  it("a migration is never changed", () => {
    assert.deepStrictEqual(
      Object.fromEntries(present.migrations.map(({ name, statements }) => [name, digest(statements('"hexfold"'))])),
      sealed,
      "a change of the tables is a new migration"
    )
  })

  it("functions change only with a higher revision", () => {
    assert.deepStrictEqual(
      { ...revisions, [present.revision]: digest(present.functions('"hexfold"', 1)) },
      revisions,
      "raise the revision in src/sql/functions.ts and add its digest here"
    )
  })
})
