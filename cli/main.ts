// The process around `runCli`. Nothing here needs undoing, so Ctrl-C simply ends it.
import { EXIT } from './exitCodes.js';
import { processIo } from './io.js';
import { runCli } from './run.js';

// A reader that has seen enough, as in `aq logs JOB | head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2), processIo());
