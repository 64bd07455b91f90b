/** An AMQP error: a condition that the peer knows, and words. Ends the link or the connection it is raised on. */
export class AmqpError extends Error {
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.condition = condition;
  }
}
