import { assert, describe, it } from "@effect/vitest"
import { NatsMessage, NatsPublisher } from "@hexfold/publishers/nats"
import type { Publisher } from "@hexfold/core"
import { type PublisherBackend, PublisherContract } from "@hexfold/testing/contracts"
import type { StreamConfig } from "@nats-io/jetstream"
import { Effect, Schedule } from "effect"
import { isInstalled, manager, natsServer, password } from "../support/natsServer.ts"

/** The streams of a receiver: a message goes to the one that has its subject, or to none. */
const kinds: Readonly<Partial<Record<PublisherBackend.Treatment, Partial<StreamConfig>>>> = {
  keep: {},
  refuse: { max_msg_size: 1 },
  ignore: { no_ack: true },
  lose: { no_ack: true }
}

const backend: PublisherBackend.PublisherBackend = {
  capabilities: ["refusals", "outages", "silence", "lostAnswers"],
  open: ({ limit }) =>
    Effect.gen(function* () {
      const { connection } = yield* natsServer
      const { streams } = yield* manager(connection)
      const subjects = new Map<string, Set<string>>()
      for (const [kind, config] of Object.entries(kinds)) {
        subjects.set(kind, new Set([`nothing.${kind}`]))
        yield* Effect.promise(() => streams.add({ name: kind, subjects: [`nothing.${kind}`], ...config }))
      }
      const publisher = yield* NatsPublisher.make({
        connection,
        retry: Schedule.recurs(1),
        ...(limit === undefined ? undefined : { limit })
      })
      return {
        publisher,
        treat: (publication, key, treatment) =>
          Effect.promise(async () => {
            const subject = NatsMessage.subjectOf(publication, key)
            for (const [kind, named] of subjects) {
              if (named.delete(subject)) await streams.update(kind, { subjects: [...named] })
            }
            const named = subjects.get(treatment)
            if (named !== undefined) await streams.update(treatment, { subjects: [...named.add(subject)] })
          }),
        kept: Effect.gen(function* () {
          const stored: Array<{ readonly at: string; readonly message: Publisher.Message }> = []
          for (const kind of subjects.keys()) {
            const { first_seq: first, last_seq: last } = (yield* Effect.promise(() => streams.info(kind))).state
            for (let seq = Math.max(first, 1); seq <= last; seq++) {
              const each = yield* Effect.promise(() => streams.getMessage(kind, { seq }))
              if (each !== null) {
                stored.push({
                  at: each.timestamp,
                  message: yield* NatsMessage.decode({ headers: each.header, data: each.data })
                })
              }
            }
          }
          // The times of the server have nanoseconds, without zeros at the end.
          const sorted = stored.map((each) => ({ ...each, at: each.at.replace("Z", "").padEnd(29, "0") }))
          return sorted.toSorted((a, b) => (a.at < b.at ? -1 : 1)).map(({ message }) => message)
        }),
        secrets: [password]
      }
    })
}

it.live("without a server the publisher does not open", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(NatsPublisher.make({ connection: { servers: "127.0.0.1:1" } }))
    assert.strictEqual(error.message, "NATS cannot be reached")
  })
)

describe.skipIf(!isInstalled)("with a real server", () => {
  PublisherContract.suite("NATS JetStream", backend)
})
