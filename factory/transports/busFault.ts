/**
 * The bus client runs timers and sockets of its own, and some of them throw where no promise of ours can catch it: a
 * request that runs out of time while its link is being made anew fails at reading the link's address
 * (core-amqp's requestResponseLink.js calling rhea-promise's link.js).
 */
const FRAME = /^\s+at .*/m;
const AMQP = /[\\/]node_modules[\\/](rhea|rhea-promise|@azure[\\/]core-amqp)[\\/]/;

/** Did the AMQP client itself throw this, and not somebody whom it called? */
export const isBusFault = (error: unknown): error is Error =>
  error instanceof Error && AMQP.test(FRAME.exec(error.stack ?? '')?.[0] ?? '');
