/**
 * A process of the bank: it executes what the shop has published, until it is killed.
 *   node receiver.ts URL SERVERS FOLDER NAME
 */
import { Executor, type Publisher } from "@hexfold/core"
import { NatsInbox } from "@hexfold/publishers/nats"
import { Effect, Option, Schedule, Schema } from "effect"
import { join } from "node:path"
import { stores } from "../kills/open.ts"
import { write } from "../kills/lines.ts"
import { Body, DeadMessages, Ledger, names, schemas } from "./apps.ts"
import "../rounds/endWithParent.ts"

const [url, servers, folder, name] = process.argv.slice(2) as [string, string, string, string]
const file = join(folder, `receiver-${name}.jsonl`)

const handle = (message: Publisher.Message, commandId: string) =>
  Effect.gen(function* () {
    const fields = yield* Schema.decodeUnknownEffect(Body)(message.body)
    const { repeated } = yield* Executor.execute(Ledger, message.key, { _tag: "Enter", ...fields }, { commandId })
    write(file, { key: message.key, n: fields.n, repeated })
  }).pipe(Effect.catchTag("Refused", () => Effect.void))

const putAside = ({ id, message, payload }: NatsInbox.Poison) =>
  Executor.publish(
    DeadMessages,
    Option.match(message, { onNone: () => "unknown", onSome: ({ key }) => key }),
    {
      _tag: "Dead",
      token: (JSON.parse(Buffer.from(payload, "base64").toString()) as { readonly token: string }).token
    },
    { commandId: id }
  )

const program = Effect.gen(function* () {
  const context = yield* stores(url, { schema: schemas.bank, views: [] })
  yield* NatsInbox.run({
    ...names,
    connection: { servers, reconnectTimeWait: 50 },
    handle,
    onPoison: putAside,
    retry: Schedule.recurs(1)
  }).pipe(
    // The server may be down at this moment.
    Effect.retry({ while: ({ _tag }) => _tag === "NatsUnavailable", schedule: Schedule.spaced("100 millis") }),
    Effect.provideContext(context)
  )
})

await Effect.runPromise(Effect.scoped(program))
