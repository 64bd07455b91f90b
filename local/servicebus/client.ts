import type { Duplex } from 'node:stream';
import { stackOf } from '../errorText.js';
import { Connection } from './amqp/connection.js';
import { IncomingLink, type Link, type OutgoingLink } from './amqp/links.js';
import { decodeBatch, decodeMessage } from './amqp/message.js';
import { covers, pathOf } from './auth.js';
import type { Broker } from './broker.js';
import { putToken } from './cbs.js';
import { ServiceBusError } from './errors.js';
import { manage } from './management.js';
import { commit, fieldsOf, known } from './commit.js';
import { receive } from './receive.js';
import { decodeRequest, encodeResponse, type Request, type Response } from './requests.js';

const BATCH_FORMAT = 0x8001_3700;
const CBS = '$cbs';
const MANAGEMENT_SUFFIX = '/$management';
/** Largest request to `$management` or `$cbs` (bytes): a batch of messages to schedule. */
const MAX_REQUEST_BYTES = 1_048_576;

/** One client's connection: what its links may do, and what they do. */
export class Client {
  readonly broker: Broker;
  readonly connection: Connection;
  /** Paths a token was put for, and until when (ms). */
  readonly #granted = new Map<string, number>();
  /** Where replies go, by the receiver's own address and by its link's name. */
  readonly #replyLinks = new Map<string, OutgoingLink>();

  constructor(broker: Broker, socket: Duplex, onClosed: () => void) {
    this.broker = broker;
    this.connection = new Connection(socket, 'gigafactory-embedded-cloud', {
      attached: (link) => this.#attached(link),
      closed: onClosed,
      failed: (error) => broker.log(`a frame failed: ${stackOf(error)}`),
    });
  }

  #attached(link: Link): void {
    try {
      const { address } = link;
      if (address.toLowerCase() === CBS) return this.#serve(link, (request) => this.#putToken(request));
      const isManagement = address.toLowerCase().endsWith(MANAGEMENT_SUFFIX);
      const entity = isManagement ? address.slice(0, -MANAGEMENT_SUFFIX.length) : address;
      if (/\/subscriptions\//i.test(entity))
        throw new ServiceBusError(
          'NotImplemented',
          `'${entity}': the embedded cloud has no topics or subscriptions.`,
        );
      if (/\/\$transfer\//i.test(entity))
        throw new ServiceBusError(
          'NotImplemented',
          `'${entity}': the embedded cloud has no transfer queues.`,
        );
      this.#authorize(address);
      const queue = this.broker.engine.queue(entity);
      if (isManagement)
        return this.#serve(
          link,
          (request) =>
            new Promise((resolve, reject) => {
              commit(
                this,
                'manage',
                queue.name,
                () => manage(queue, request),
                (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)),
              );
            }),
        );
      if (link instanceof IncomingLink) this.#takeMessages(link, entity);
      else receive(this, link, queue);
    } catch (error) {
      link.refuse(fieldsOf(known(this.broker, error)));
    }
  }

  #authorize(address: string): void {
    const now = this.broker.clock.now();
    const path = address.toLowerCase();
    for (const [granted, until] of this.#granted) if (until > now && covers(granted, path)) return;
    throw new ServiceBusError(
      'Unauthorized',
      `Unauthorized access. 'Listen' or 'Send' claim(s) are required for '${address}'.`,
    );
  }

  async #putToken(request: Request): Promise<Response> {
    const { resource, expiresAt } = await putToken(request, this.broker);
    this.#granted.set(pathOf(resource), expiresAt);
    return { status: 202, write: (out) => out.null() };
  }

  #takeMessages(link: IncomingLink, entity: string): void {
    const { engine } = this.broker;
    const { maxMessageBytes, name } = engine.queue(entity).settings;
    link.accept(maxMessageBytes, (bytes, format, settle) =>
      commit(
        this,
        'send',
        name,
        () =>
          engine.queue(entity).send(format === BATCH_FORMAT ? decodeBatch(bytes) : [decodeMessage(bytes)]),
        (outcome) => settle(outcome instanceof Error ? fieldsOf(outcome) : 'accepted'),
      ),
    );
  }

  /** Answers requests: they come in on one link and are replied to on another, found by its address. */
  #serve(link: Link, handle: (request: Request) => Promise<Response>): void {
    if (!(link instanceof IncomingLink)) {
      const names = [link.targetAddress, link.name];
      for (const name of names) this.#replyLinks.set(name, link);
      link.onDetached(() => {
        for (const name of names) if (this.#replyLinks.get(name) === link) this.#replyLinks.delete(name);
      });
      return link.accept(
        () => {},
        () => {},
      );
    }
    const isCbs = link.address.toLowerCase() === CBS;
    link.accept(MAX_REQUEST_BYTES, (bytes, _format, settle) => {
      let request: Request;
      try {
        request = decodeRequest(Buffer.from(bytes));
      } catch (error) {
        return settle(fieldsOf(known(this.broker, error)));
      }
      settle('accepted');
      const reply = (response: Response): void => {
        const to = this.#replyLinks.get(request.replyTo);
        if (to && !to.isDetached)
          to.send(Buffer.from([0]), undefined, encodeResponse(request, response, isCbs));
      };
      handle(request).then(reply, (error: unknown) => {
        const { status, message, condition } = known(this.broker, error);
        reply({ status, description: message, condition, write: (out) => out.null() });
      });
    });
  }
}
