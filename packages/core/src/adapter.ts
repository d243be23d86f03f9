/**
 * What authors of adapters, of fronts and of test kits need, and applications do not: the
 * checks that every store makes and those of a command before it is executed, the codecs and the ids of events, the definition of a
 * query's answer, the folding of inline views, the handling of one event, the driving of reactions, the order of messages,
 * and work in the background.
 */
export * as Background from "./application/events/Background.ts"
export * as Ids from "./application/events/Ids.ts"
export * as EventCodec from "./application/events/EventCodec.ts"
export * as KeptValue from "./application/events/KeptValue.ts"
export * as Driving from "./application/reactions/Driving.ts"
export * as Handling from "./application/reactions/Handling.ts"
export * as InlineViews from "./application/views/InlineViews.ts"
export * as QueryEvaluation from "./domain/QueryEvaluation.ts"
export * as AppendCheck from "./ports/AppendCheck.ts"
export * as CommandCheck from "./application/commands/CommandCheck.ts"
export * as CommitCheck from "./ports/CommitCheck.ts"
export * as DirectoryCheck from "./ports/DirectoryCheck.ts"
export * as QueryAnswer from "./application/views/QueryAnswer.ts"
export * as ProcessMachine from "./application/reactions/ProcessMachine.ts"
export * as PositionCheck from "./ports/PositionCheck.ts"
export * as PublisherBatch from "./ports/PublisherBatch.ts"
export * as SnapshotCheck from "./ports/SnapshotCheck.ts"
export * as StoreKey from "./application/lifecycle/StoreKey.ts"
export * as StoredRecords from "./application/queries/StoredRecords.ts"
export * as TransferCheck from "./ports/TransferCheck.ts"
export * as Expectation from "./ports/Expectation.ts"
