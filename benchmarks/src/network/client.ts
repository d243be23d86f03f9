/**
 * A process that sends commands until there is a file ENOUGH. It asks one of the servers, and the other one when there is no
 * answer. A command that has no answer is sent again under its key, also after the process itself was killed.
 *   node client.ts ORIGINS FOLDER NAME SEED
 */
import { Remote, RemoteError } from "@hexfold/client"
import { VersionConflict } from "@hexfold/core"
import { Effect, Schedule } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { read, write } from "../kills/lines.ts"
import "../rounds/endWithParent.ts"
import { below, randomOf } from "../rounds/random.ts"
import { Add, AddBoth, type SameTally, Tallies, Tally } from "./bank.ts"
import type { ClientLine, Sent } from "./check.ts"
import { mutate } from "./graphql.ts"

const [origins, folder, name, seed] = process.argv.slice(2) as [string, string, string, string]
const file = join(folder, `client-${name}.jsonl`)
const servers = origins
  .split(",")
  .map((url) => Remote.layerFetch({ url, headers: { authorization: `Bearer ${name}` } }))

const line = (text: ClientLine) => Effect.sync(() => write(file, text))
const before = read<ClientLine>(file)
const answered = new Set(before.flatMap((each) => (each._tag === "Sent" ? [] : [each.token])))
const open = before.flatMap((each) => (each._tag === "Sent" && !answered.has(each.token) ? [each] : []))
// No token is used for two commands.
let next = 1 + Math.max(-1, ...before.map(({ token }) => Number(token.split("-")[1])))
const random = randomOf(Number(seed), `client ${name} ${next}`)
const tally = () => `t${below(random, 8)}`

const planned = Effect.gen(function* () {
  const token = `${name}-${next++}`
  const kind = below(random, 10)
  if (kind < 2) return { _tag: "Sent", token, ids: [tally(), tally()] } as const
  const id = tally()
  if (kind < 7) return { _tag: "Sent", token, ids: [id] } as const
  // A command that expects the version which the view shows.
  const record = yield* Remote.record(Tallies, id).pipe(Effect.provide(servers[below(random, 2)]!))
  return { _tag: "Sent", token, ids: [id], expected: record._tag === "Some" ? record.value.count : 0 } as const
})

const execute = ({
  expected,
  ids,
  token
}: Sent): Effect.Effect<void, RemoteError | SameTally | VersionConflict, Remote.Remote> => {
  const [one, other] = ids
  if (other !== undefined) {
    return Effect.asVoid(Remote.execute(AddBoth, { _tag: "AddBoth", one: one!, other, token }, { commandId: token }))
  }
  const options = { commandId: token, ...(below(random, 4) === 0 ? { wait: { seconds: 2 } } : {}) } as const
  return expected === undefined
    ? Effect.asVoid(Remote.execute(Tally, one!, new Add({ token }), options))
    : Effect.asVoid(Remote.execute(Tally, one!, new Add({ token }), { ...options, expectedVersion: expected }))
}

// Each attempt is for the other server, over HTTP or over GraphQL: under its key it is the same command.
const settled = (command: Sent) => {
  let attempt = below(random, 2)
  return Effect.suspend(() => {
    const place = attempt++ % 2
    return below(random, 2) === 0
      ? mutate(origins.split(",")[place]!, name, command)
      : Effect.provide(execute(command), servers[place]!)
  }).pipe(
    Effect.retry({
      while: (error) => error instanceof RemoteError && error.isRetryable,
      schedule: Schedule.jittered(Schedule.spaced("100 millis"))
    }),
    Effect.matchEffect({
      onSuccess: () => line({ _tag: "Receipt", token: command.token }),
      onFailure: (error) =>
        error instanceof VersionConflict || error._tag === "SameTally"
          ? line({ _tag: "Refused", token: command.token })
          : line({ _tag: "Unexpected", token: command.token, error: `${error._tag}: ${error.message}` })
    })
  )
}

const program = Effect.gen(function* () {
  yield* Effect.forEach(open, settled, { discard: true })
  while (!existsSync(join(folder, "enough"))) {
    const command = yield* Effect.retry(planned, Schedule.spaced("100 millis"))
    yield* line(command)
    yield* settled(command)
  }
})

await Effect.runPromise(program)
process.exit(0)
