import { type ProjectionStore, Reason, ViewStoreError } from "@hexfold/core"
import { CommitCheck } from "@hexfold/core/adapter"
import { PgTypes } from "@effect/sql-pg"
import { Duration, Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as registry from "../sql/generations.ts"
import { demote } from "../sql/inline.ts"
import * as records from "../sql/records.ts"
import { detailOf, isForbidden } from "../database/errors.ts"
import { checkVisibleTo } from "../database/logChecks.ts"
import { array, bigint, bigints, float8, int4, texts } from "../database/binds.ts"

interface Place {
  readonly epoch: bigint
  readonly position: bigint
  /** The history in which the position was reached; null if nobody has said it. */
  readonly history: bigint | null
}

interface LockedPart extends Place {
  readonly changes: bigint
}

interface Part extends Place {
  readonly id: bigint
  readonly version: bigint
  readonly build: bigint
  readonly inline: boolean
  /** The fingerprint of the generation; null if no claim has said it. */
  readonly fingerprint: string | null
  readonly index: number
  readonly owner: string
  readonly leased: boolean
  /** Whether the generation serves, but its version was left. */
  readonly left: boolean
}

interface Former {
  readonly id: bigint
  readonly version: bigint
  /** The owner of a part whose lease runs, or has ended lately; null if there is no such part. */
  readonly holder: string | null
}

/** Claims of a schema's generations. Each runs in a transaction at READ COMMITTED. */
export const claiming = (name: string, schema: string, sql: SqlClient.SqlClient, leftAfter: number) => {
  const formerOf = ({ generation: { version, view }, lease }: Pick<ProjectionStore.Claim, "generation" | "lease">) =>
    Effect.map(
      sql.unsafe<Former>(registry.former(schema), [view, bigint(version), float8(leaseOf({ lease }))]),
      ([former]) => former
    )

  // Of several transactions that create the same generation one creates the table. The others see it once they have the
  // lock.
  const create = ({ after, fingerprint, generation: { build, version, view }, indexes = [] }: ProjectionStore.Claim) =>
    Effect.gen(function* () {
      yield* sql.unsafe(registry.lockView, [name, view])
      const at = [view, bigint(version), bigint(build)]
      const [created] = yield* sql.unsafe<Pick<Part, "id" | "build">>(registry.register(schema), [
        ...at,
        fingerprint ?? null
      ])
      if (created === undefined) return
      yield* sql.unsafe(registry.createParts(schema), [
        created.id,
        int4(1),
        bigint(after ?? 0),
        bigint(undefined),
        bigint(undefined)
      ])
      yield* sql.unsafe(records.createTable(schema, created.id))
      yield* sql.unsafe(records.commentTable(schema, created.id, view, version, created.build))
      for (const paths of indexes) yield* sql.unsafe(records.createIndex(schema, created.id, paths))
    }).pipe(
      Effect.mapError((error) =>
        error._tag === "SqlError" && isForbidden(error) ? mayNotCreate(view, version, error) : error
      )
    )

  // A transaction that adds or removes parts, or switches, holds the generation's lock. With this lock and the rows of
  // all parts locked, nothing has changed if each part is in the epoch and at the position that was seen: a claim would
  // have raised the epoch, a commit the position. A commit to one of the former parts then meets a higher epoch, or no part.
  const divide = (parts: ReadonlyArray<Part>, of: number) =>
    Effect.gen(function* () {
      const [{ id, position }] = parts as [Part]
      yield* sql.unsafe(registry.lockGeneration(schema), [id])
      const locked = yield* sql.unsafe<LockedPart>(registry.lockParts(schema), [id])
      const isSame = ({ epoch, position }: Part, i: number) =>
        locked[i]?.epoch === epoch && locked[i].position === position
      if (locked.length !== parts.length || !parts.every(isSame)) return
      yield* sql.unsafe(registry.removeParts(schema), [id])
      const changes = locked.reduce((sum, part) => sum + part.changes, 0n)
      yield* sql.unsafe(registry.createParts(schema), [id, int4(of), position, bigint(earliestOf(locked)), changes])
    })

  // The statement that decides begins once it has the lock of switches: it sees the lease and the position with which
  // another owner has let the generation serve meanwhile.
  const unserve = (id: bigint) =>
    Effect.andThen(
      sql.unsafe(registry.lockGeneration(schema), [id]),
      sql.unsafe(registry.unserve(schema), [id, float8(leftAfter)])
    )

  // Why claims at the same time are correct: a claim changes what it has seen only if it is still the same; otherwise it
  // looks again. A lease is taken in the epoch that was seen, which every other owner and every division raises.
  const claim = (
    given: ProjectionStore.Claim,
    looks = 1
  ): Effect.Effect<ProjectionStore.Claimed, SqlError.SqlError | ViewStoreError> =>
    Effect.gen(function* () {
      const { fingerprint, generation, owner, part: { index, of } = { index: 0, of: 1 } } = given
      const at = [generation.view, bigint(generation.version), bigint(generation.build)]
      // Of two versions that take it at once, the second one waits for the row and finds another version: it looks again.
      const former = CommitCheck.isShared(generation.view) ? yield* formerOf(given) : undefined
      if (former !== undefined) {
        const { holder, id, version } = former
        if (generation.version < Number(version)) {
          if (leaseOf(given) === 0) {
            yield* sql.unsafe(registry.release(schema), [id, int4(index), owner])
            return { _tag: "Held", by: holder ?? owner } as const
          }
          if (holder !== null) return { _tag: "Held", by: holder } as const
        }
        const next = bigint(generation.version)
        yield* sql.unsafe(registry.succeed(schema), [id, version, next, fingerprint ?? null])
        return yield* claim(given, looks)
      }
      const parts = yield* sql.unsafe<Part>(registry.parts(schema), [...at, float8(leftAfter)])
      // Between the two statements, another version has created or taken the generation. The next look finds it.
      if (parts.some(({ version }) => Number(version) !== generation.version)) return yield* claim(given, looks)
      // A fingerprint never changes, so what is decided here holds for the whole claim.
      const kept = parts[0]?.fingerprint ?? undefined
      if (fingerprint !== undefined && kept !== undefined && kept !== fingerprint) {
        return { _tag: "Differs", fingerprint: kept } as const
      }
      const part = parts.length === of ? parts[index] : undefined
      const held = (part === undefined ? parts : [part]).find((each) => each.leased && each.owner !== owner)
      if (held !== undefined) return { _tag: "Held", by: held.owner } as const
      // From now on the part has an owner again. What it has not applied yet is still missing.
      if (parts[0]?.left === true) yield* unserve(parts[0].id)
      // From here on the projection works on the view alone, or on parts of it: appends no longer maintain it.
      // It is not known with which definition appends have maintained a generation without a fingerprint: they begin again.
      const isAdopted = fingerprint !== undefined && kept === undefined
      const inline = parts[0]?.inline === true && (isAdopted || !(given.inline === true && of === 1))
      if (inline) {
        yield* sql.unsafe(demote(schema), [bigints([parts[0]!.id])])
      } else if (parts[0] !== undefined && isAdopted) {
        // Of two claims that give it a fingerprint, the second one waits for the row and finds it filled.
        yield* sql.unsafe(registry.adopt(schema), [parts[0].id, fingerprint])
      } else if (part !== undefined) {
        const { epoch, passed } = given.renews ?? {}
        const moves = [epoch, passed?.from, passed?.to, passed?.history].map(bigint)
        const binds = [part.id, int4(index), part.epoch, owner, float8(leaseOf(given)), ...moves]
        const [owned] = yield* sql.unsafe<Place>(registry.claim(schema), binds)
        if (owned !== undefined) return ownedOf(part, owned)
      } else if (parts.length === 0) {
        // A generation whose rows are hidden must not be taken for one that does not exist.
        yield* checkVisibleTo("claim", generation.view, sql, name)
        // Another process may create the generation after the first look and drop it before the second. From then on this
        // transaction holds the view's lock, and no other process can create it.
        if (looks > 2) return yield* withoutParts(generation)
        yield* create(given)
        return yield* claim(given, looks + 1)
      } else {
        const positions = parts.map(({ position }) => Number(position))
        if (new Set(positions).size > 1) return { _tag: "Divided", positions } as const
        yield* divide(parts, of)
      }
      return yield* claim(given, looks)
    })
  return claim
}

/** A lease that was renewed, with the place of its claim among those that were asked for. */
interface Renewed extends Place {
  readonly place: bigint
  readonly build: bigint
  readonly inline: boolean
}

/** Renews leases in one statement. Gives nothing for each that has to be claimed alone. Runs at READ COMMITTED. */
export const renewing =
  (schema: string, sql: SqlClient.SqlClient) =>
  (
    claims: ReadonlyArray<ProjectionStore.Claim>
  ): Effect.Effect<ReadonlyArray<ProjectionStore.Claimed | undefined>, SqlError.SqlError> => {
    const each = (of: (claim: ProjectionStore.Claim) => number | undefined) =>
      bigints(
        claims.map((claim) => {
          const value = of(claim)
          return value === undefined ? null : BigInt(value)
        })
      )
    const binds = [
      texts(claims.map(({ generation }) => generation.view)),
      each(({ generation }) => generation.version),
      each(({ generation }) => generation.build),
      array(
        claims.map(({ part }) => part?.index ?? 0),
        PgTypes.OID.int4
      ),
      array(
        claims.map(({ part }) => part?.of ?? 1),
        PgTypes.OID.int4
      ),
      texts(claims.map(({ owner }) => owner)),
      each(({ renews }) => renews?.epoch),
      array(claims.map(leaseOf), PgTypes.OID.float8),
      array(
        claims.map(({ inline, part }) => inline === true && (part?.of ?? 1) === 1),
        PgTypes.OID.bool
      ),
      each(({ renews }) => renews?.passed?.from),
      each(({ renews }) => renews?.passed?.to),
      each(({ renews }) => renews?.passed?.history)
    ]
    return Effect.map(sql.unsafe<Renewed>(registry.renew(schema), binds), (rows) => {
      const byPlace = new Map(rows.map((row) => [Number(row.place) - 1, row]))
      return claims.map((_, i) => {
        const row = byPlace.get(i)
        return row === undefined ? undefined : ownedOf(row, row)
      })
    })
  }

const leaseOf = ({ lease }: Pick<ProjectionStore.Claim, "lease">): number =>
  Math.min(Math.max(Duration.toSeconds(lease), 0), longestLease)

const withoutParts = ({ version, view }: ProjectionStore.Generation) => {
  const detail = `${view}, version ${version}, is registered without parts: they were deleted, or the database has lost them`
  return new ViewStoreError({ operation: "claim", view, reason: new Reason.Corrupt({ detail }) })
}

const mayNotCreate = (view: string, version: number, cause: SqlError.SqlError) => {
  const detail =
    `${detailOf(cause)}: this role may not create the table of ${view}, version ${version}. ` +
    "Let the owner of the schema run Projection.catchUp for it, and grant the rights on its tables"
  return new ViewStoreError({ operation: "claim", view, reason: new Reason.Rejected({ detail, cause }) })
}

// What is valid of a position of the earliest history is valid of the same position in the others.
const earliestOf = (parts: ReadonlyArray<Place>): number | undefined => {
  const known = parts.flatMap(({ history }) => (history === null ? [] : [Number(history)]))
  return known.length === 0 ? undefined : Math.min(...known)
}

const ownedOf = (
  { build, inline, position }: Pick<Part, "build" | "inline" | "position">,
  owned: Place
): ProjectionStore.Claimed => ({
  _tag: "Owned",
  build: Number(build),
  epoch: Number(owned.epoch),
  position: Number(inline ? position : owned.position),
  ...(inline || owned.history === null ? {} : { history: Number(owned.history) }),
  inline
})

// A thousand years, in seconds: what the server can add to its clock.
const longestLease = 1_000 * 365 * 86_400
