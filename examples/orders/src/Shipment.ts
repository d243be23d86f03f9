/** The parcel of an order. Once the carrier has it, it cannot be stopped. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

export class Prepare extends Schema.TaggedClass<Prepare>()("Prepare", {}) {}
export class Dispatch extends Schema.TaggedClass<Dispatch>()("Dispatch", { tracking: Schema.String }) {}
export class Stop extends Schema.TaggedClass<Stop>()("Stop", { why: Schema.String }) {}

export class ShipmentPrepared extends Schema.TaggedClass<ShipmentPrepared>()("ShipmentPrepared", {}) {}
export class ShipmentDispatched extends Schema.TaggedClass<ShipmentDispatched>()("ShipmentDispatched", {
  tracking: Schema.String
}) {}
export class ShipmentStopped extends Schema.TaggedClass<ShipmentStopped>()("ShipmentStopped", { why: Schema.String }) {}

export class AlreadyDispatched extends Schema.TaggedError<AlreadyDispatched>()("AlreadyDispatched", {}) {}
export class WasStopped extends Schema.TaggedError<WasStopped>()("WasStopped", { why: Schema.String }) {}

export const Shipment = Aggregate.make("Shipment", {
  id: Schema.NonEmptyString,
  state: Schema.TaggedUnion({ None: {}, Prepared: {}, Dispatched: {}, Stopped: { why: Schema.String } }),
  initial: { _tag: "None" },
  commands: [Prepare, Dispatch, Stop],
  events: [ShipmentPrepared, ShipmentDispatched, ShipmentStopped],
  errors: [AlreadyDispatched, WasStopped],
  decide: {
    Prepare: (_, shipment) => (shipment._tag === "None" ? Decision.accept(new ShipmentPrepared()) : Decision.nothing),
    Dispatch: ({ tracking }, shipment) =>
      shipment._tag === "Stopped"
        ? Decision.reject(new WasStopped({ why: shipment.why }))
        : shipment._tag === "Dispatched"
          ? Decision.nothing
          : Decision.accept(new ShipmentDispatched({ tracking })),
    Stop: ({ why }, shipment) =>
      shipment._tag === "Dispatched"
        ? Decision.reject(new AlreadyDispatched())
        : shipment._tag === "Stopped"
          ? Decision.nothing
          : Decision.accept(new ShipmentStopped({ why }))
  },
  evolve: {
    ShipmentPrepared: () => ({ _tag: "Prepared" }),
    ShipmentDispatched: () => ({ _tag: "Dispatched" }),
    ShipmentStopped: (_, { why }) => ({ _tag: "Stopped", why })
  }
})
