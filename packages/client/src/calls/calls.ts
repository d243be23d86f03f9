/** What a program can ask of an API, wherever the API is. Types are known in `Remote.ts` only. */
import type { Query, Receipt } from "@hexfold/core"
import type { Duration, Effect, Option, Stream } from "effect"
import type { RemoteError } from "../errors.ts"
import type { Target } from "./receipts.ts"

/** How to execute a command. */
export interface ExecuteOptions<Expected extends number = never> {
  /** Names the command, for its caller: a repeat has no second effect. */
  readonly commandId?: string
  /** The version at which the stream must be; 0 if it has no event. */
  readonly expectedVersion?: Expected
  /** For how long to wait until the views show the command. If they do not, the command has happened all the same. */
  readonly wait?: Duration.Input
}

/** A view whose state is not known. */
export type AnyVersioned = Query.Versioned<unknown>

/** What a program can ask of an API. */
export interface Calls {
  /** Executes a command. The id is that of an aggregate. It fails with an error of the domain, too. */
  readonly execute: (
    target: Target,
    id: unknown,
    command: unknown,
    options: ExecuteOptions<number>
  ) => Effect.Effect<Receipt.Receipt<unknown> | Receipt.BoundaryReceipt<unknown>, unknown>
  readonly query: <Row>(view: AnyVersioned, query: Query.Query<Row>) => Effect.Effect<Query.Page<Row>, RemoteError>
  readonly record: (view: AnyVersioned, key: string) => Effect.Effect<Option.Option<unknown>, RemoteError>
  readonly live: <Row>(view: AnyVersioned, query: Query.Query<Row>) => Stream.Stream<Query.Page<Row>, RemoteError>
  readonly liveRecord: (view: AnyVersioned, key: string) => Stream.Stream<Option.Option<unknown>, RemoteError>
}
