/**
 * A process of the shop: it adds items to orders until there is a file ENOUGH, and publishes until it is killed.
 *   node sender.ts URL SERVERS FOLDER NAME SEED PACE
 */
import { Executor, Reactor } from "@hexfold/core"
import { NatsPublisher } from "@hexfold/publishers/nats"
import { Effect, Layer, Schedule } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { stores } from "../kills/open.ts"
import { read, write } from "../kills/lines.ts"
import { patiently } from "../rounds/patiently.ts"
import { below, randomOf } from "../rounds/random.ts"
import { names, Order, OrdersV1, schemas } from "./apps.ts"
import "../rounds/endWithParent.ts"

const [url, servers, folder, name, seed, pace] = process.argv.slice(2) as [
  ...[string, string, string, string, string, string]
]
const file = join(folder, `sender-${name}.jsonl`)

const adding = Effect.gen(function* () {
  for (let i = read<object>(file).length; !existsSync(join(folder, "enough")); i++) {
    const token = `${name}-${i}`
    const random = randomOf(Number(seed), token)
    yield* patiently(Executor.execute(Order, `o${below(random, 8)}`, { _tag: "Add", token }, { commandId: token }))
    write(file, { token })
    yield* Effect.sleep(below(random, 12))
  }
})

const publisher = NatsPublisher.layer({
  connection: { servers, reconnectTimeWait: 50 },
  stream: names.stream,
  acknowledgementLimit: "2 seconds"
})

const program = Effect.gen(function* () {
  const context = yield* stores(url, { schema: schemas.shop, views: [] })
  // The server may be down at this moment.
  const publishing = Layer.launch(Layer.provide(Reactor.layer([OrdersV1], { lease: Number(pace) * 1_500 }), publisher))
  const persistent = Effect.tapError(publishing, (error) => Effect.logWarning("the publisher is not there", error))
  yield* Effect.all([adding, Effect.retry(persistent, Schedule.spaced("100 millis"))], {
    concurrency: "unbounded",
    discard: true
  }).pipe(Effect.provideContext(context))
})

await Effect.runPromise(Effect.scoped(program))
