export * as CloudEvent from "./messages/CloudEvent.ts"
export * as NatsInbox from "./nats/NatsInbox.ts"
export * as NatsMessage from "./nats/NatsMessage.ts"
export * as NatsPublisher from "./nats/NatsPublisher.ts"
