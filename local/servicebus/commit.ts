import { stackOf } from '../errorText.js';
import { DecodeError } from './amqp/reader.js';
import type { Connection } from './amqp/connection.js';
import type { ErrorFields } from './amqp/performatives.js';
import type { Broker } from './broker.js';
import { ServiceBusError } from './errors.js';
import type { Operation, Verdict } from './faults.js';

/** Where an operation comes from. */
export interface Origin {
  readonly broker: Broker;
  readonly connection: Connection;
}

/**
 * Does something that must be stored before it is answered, with the faults in force.
 * @param answer gets the result, or the error that `act` threw; it is not called if the answer is lost
 */
export function commit<T>(
  { broker, connection }: Origin,
  operation: Operation,
  queue: string,
  act: (verdict: Verdict) => T,
  answer: (outcome: T | ServiceBusError) => void,
): void {
  const verdict = broker.faults.draw(operation, queue);
  let outcome: T | ServiceBusError;
  try {
    if (verdict.throttle)
      throw new ServiceBusError(
        'ServerBusy',
        'The broker is too busy to process the request. Wait, then try again.',
      );
    outcome = act(verdict);
  } catch (error) {
    outcome = known(broker, error);
  }
  const tell = (): void => {
    if (verdict.loseAck) connection.destroy();
    else answer(outcome);
  };
  const later = (): void => {
    if (verdict.delayMs === 0) tell();
    else broker.clock.schedule(broker.clock.now() + verdict.delayMs, tell);
  };
  const flushed = broker.flushed();
  if (!flushed) later();
  else
    flushed.then(later, (error: unknown) => {
      // What is not on disk is not acknowledged: the client finds out by itself, and tries again.
      broker.log(`the journal cannot be written: ${String(error)}`);
      connection.destroy();
    });
}

/** The error to tell the client: its own, or for a bug of ours one without details. */
export function known(broker: Broker, error: unknown): ServiceBusError {
  if (error instanceof ServiceBusError) return error;
  if (error instanceof DecodeError) return new ServiceBusError('InvalidArgument', error.message);
  broker.log(`an operation failed: ${stackOf(error)}`);
  return new ServiceBusError('InternalError', 'The broker failed on this operation; see its log.');
}

export function fieldsOf({ condition, message }: ServiceBusError): ErrorFields {
  return { condition, message };
}
