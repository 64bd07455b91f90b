// The Service Bus output binding. From Node it cannot set a session id (Azure-Functions#2262), so a queue with
// sessions refuses what it sends, as on Azure.
import type { ServiceBusMessage } from '@azure/service-bus';
import type { Clients } from '../clients.js';
import type { HostedFunction } from '../functions.js';
import type { InvocationResponse, TypedData } from '../worker/protocol.js';

/**
 * Sends what the function returned through its Service Bus outputs; an array is one message an element, null none.
 * @throws what the client throws; the invocation fails with it
 */
export async function sendOutputs(
  fn: HostedFunction,
  response: InvocationResponse,
  clients: Clients,
): Promise<void> {
  for (const { name, connection, queueName } of fn.outputs) {
    const data =
      name === '$return'
        ? response.returnValue
        : response.outputData?.find((output) => output.name === name)?.data;
    const messages = data ? toMessages(data) : [];
    if (messages.length === 0) continue;
    const sender = (await clients.serviceBus(connection)).createSender(queueName);
    try {
      await sender.sendMessages(messages);
    } finally {
      await sender.close();
    }
  }
}

function toMessages(data: TypedData): ServiceBusMessage[] {
  if (data.bytes) return [{ body: Buffer.from(data.bytes) }];
  if (data.string !== undefined) return [textMessage(data.string)];
  if (data.json === undefined) return [textMessage(String(data.int ?? data.double))];
  const value = JSON.parse(data.json) as unknown;
  if (!Array.isArray(value)) return [jsonMessage(value)];
  return value
    .filter((each) => each !== null)
    .map((each: unknown) => (typeof each === 'string' ? textMessage(each) : jsonMessage(each)));
}

const textMessage = (text: string): ServiceBusMessage => ({
  body: Buffer.from(text),
  contentType: 'text/plain',
});
const jsonMessage = (value: unknown): ServiceBusMessage => ({
  body: Buffer.from(JSON.stringify(value)),
  contentType: 'application/json',
});
