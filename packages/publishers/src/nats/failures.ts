import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream"
import { errors } from "@nats-io/transport-node"
import { type Publisher, Reason } from "@hexfold/core"
import type { PublisherBatch } from "@hexfold/core/adapter"
import * as NatsMessage from "./NatsMessage.ts"

/** Whether an error says that there is no such stream. */
export const isMissingStream = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound

/** The stream that takes the subject is not the expected one. An operator mends it, not another message. */
const otherStream = 10_060

/** Why a message was not taken, by the error of the client. */
export const failureOf = (
  cause: unknown,
  { key, publication }: Publisher.Message,
  maxPayload: number | undefined
): PublisherBatch.Failure => {
  if (cause instanceof JetStreamApiError) {
    const { code, message, status } = cause
    const isCurable = status >= 500 || code === JetStreamApiCodes.StreamNotFound || code === otherStream
    const detail = isCurable
      ? `JetStream cannot take the message: ${message}`
      : `JetStream refuses the message: ${message}`
    return {
      reason: isCurable ? new Reason.Unavailable({ detail, cause }) : new Reason.Rejected({ detail, cause }),
      code
    }
  }
  const subject = NatsMessage.subjectOf(publication, key)
  if (isNamed(cause, "JetStreamNotEnabled")) {
    const detail = `no stream takes the subject "${subject}": is there one with "${publication}.*", and does the server have JetStream?`
    return { reason: new Reason.Unavailable({ detail, cause }) }
  }
  if (cause instanceof errors.TimeoutError) {
    return { reason: new Reason.Timeout({ detail: "the stream has not acknowledged the message in time", cause }) }
  }
  if (cause instanceof errors.InvalidArgumentError) {
    const most = maxPayload === undefined ? "" : ` of ${maxPayload} bytes`
    const detail = `the message is larger than the max_payload${most} of the server`
    return { reason: new Reason.Rejected({ detail, cause }) }
  }
  if (cause instanceof Error && cause.cause instanceof errors.PermissionViolationError) {
    const detail = `the server does not permit messages with the subject "${subject}"`
    return { reason: new Reason.Rejected({ detail, cause }) }
  }
  return { reason: new Reason.Unavailable({ detail: "the message could not be sent to NATS", cause }) }
}

// The client does not export all of its classes.
const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name
