import { changes } from "./changes.ts"
import { comments } from "./comments.ts"
import { conversations, events } from "./events.ts"
import { foreignAppends } from "./foreignAppends.ts"
import { fingerprints, generations, parkedLetters } from "./generations.ts"
import { histories } from "./histories.ts"
import { inline, knownTypes } from "./inline.ts"
import { retention } from "./retention.ts"
import { revisions } from "./revisions.ts"
import { servingVersions } from "./servingVersions.ts"
import { snapshots } from "./snapshots.ts"
import { times } from "./times.ts"
import { viewHistories } from "./viewHistories.ts"
import { views } from "./views.ts"

/** A step that changes the tables of a schema. */
export interface Migration {
  readonly name: string
  readonly statements: (schema: string) => ReadonlyArray<string>
  /**
   * The tables of earlier migrations that its statements lock such that appends would wait. They are locked before the
   * first statement, in the order in which appends use them.
   */
  readonly locks?: ReadonlyArray<string>
}

/**
 * All migrations; the first one is number 1. A migration is sealed: databases
 * have had it, so a change of the tables is a new migration at the end. Functions
 * are not made here but by `sql/functions.ts`, except for those that a table
 * depends on.
 */
export const migrations: ReadonlyArray<Migration> = [
  { name: "events", statements: events },
  { name: "retention", statements: retention, locks: ["commands"] },
  { name: "views", statements: views },
  { name: "generations", statements: generations, locks: ["views"] },
  { name: "inline", statements: inline, locks: ["views"] },
  { name: "revisions", statements: revisions },
  { name: "times", statements: times, locks: ["streams", "events"] },
  { name: "histories", statements: histories },
  { name: "view histories", statements: viewHistories, locks: ["view_parts"] },
  { name: "serving versions", statements: servingVersions, locks: ["views"] },
  { name: "changes", statements: changes, locks: ["view_parts"] },
  { name: "fingerprints", statements: fingerprints, locks: ["views"] },
  { name: "foreign appends", statements: foreignAppends, locks: ["views"] },
  { name: "comments", statements: comments },
  { name: "parked letters", statements: parkedLetters },
  { name: "known types", statements: knownTypes, locks: ["views"] },
  { name: "snapshots", statements: snapshots },
  { name: "conversations", statements: conversations, locks: ["events"] }
]
