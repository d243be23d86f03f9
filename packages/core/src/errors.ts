/** Every error that the library raises, in one place. The root index has them too. */
export { InvalidCursor, InvalidKey } from "./domain/errors.ts"
export {
  CommandIdReused,
  CommitConflict,
  ConcurrencyConflict,
  EventStoreError,
  NotServing,
  PublishError,
  SnapshotStoreError,
  VersionConflict,
  ViewStoreError,
  WaitTimeout
} from "./ports/errors.ts"
export {
  EventDecodeError,
  type EventReadError,
  InvalidDecision,
  MetadataDecodeError,
  type MetadataReadError,
  MomentNotReached,
  UnknownEvent,
  UnknownMetadata
} from "./application/events/errors.ts"
export { ProjectionFailed, RecordDecodeError } from "./application/views/errors.ts"
export {
  InvalidCommand,
  StreamWrittenTwice,
  TooManyParticipants,
  UnknownCommandVersion
} from "./application/commands/errors.ts"
export { DefinitionDiffers, DropRefused, RebuildOvertaken, Unhealthy } from "./application/projections/errors.ts"
export { KeysDiffer, ReactionFailed, RestartRefused } from "./application/reactions/errors.ts"
export { ImportRefused, InvalidLogFile } from "./application/lifecycle/errors.ts"
