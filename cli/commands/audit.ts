// Is the record whole? Every job's events against their hash chain and against the signed checkpoints.
import type { Command } from 'commander';
import { count } from '../../shared/contract/count.js';
import type { AuditReport } from '../../shared/contract/audit.js';
import { action, type Context } from '../context.js';
import { EXIT, type ExitCode } from '../exitCodes.js';
import type { Io } from '../io.js';
import { jobIdFrom } from '../jobRef.js';
import { oneLine } from '../text.js';

interface Flags {
  product?: string;
}

export function addAudit(program: Command, io: Io, exit: (code: ExitCode) => void): void {
  const audit = program.command('audit').description('the tamper-evident record of what was done');
  audit
    .command('verify')
    .description('find any change, removal or reordering in the event log, and name the place')
    .argument('[job]', 'its id, or the beginning of it; left out, every job')
    .option('-p, --product <id>', 'the jobs of one product')
    .addHelpText(
      'after',
      '\nExit code 1 when something was found.\n\nExamples:\n  aq audit verify\n  aq audit verify 3f9a\n  aq audit verify --json | jq .findings',
    )
    .action(
      action<[string | undefined], Flags>(io, async (context, { product }, ref) => {
        const client = await context.client();
        const jobId = ref === undefined ? undefined : await jobIdFrom(client, ref);
        const report = await client.verifyAudit({
          query: { ...(product && { productId: product }), ...(jobId && { jobId }) },
        });
        context.answer(report, () => describe(context, report));
        if (!report.ok) exit(EXIT.failed);
      }),
    );
}

function describe({ paint }: Context, report: AuditReport): string {
  const { jobs, events, checkpoints, sealedAt, publicKey, findings } = report;
  const scope = [count(jobs, 'job'), count(events, 'event'), count(checkpoints, 'checkpoint')].join(', ');
  const sealed = sealedAt === undefined ? 'nothing is sealed yet' : `sealed until ${sealedAt}`;
  const lines = report.ok
    ? [`${paint('green', 'The record is whole')}: ${scope}.`]
    : [
        `${paint('red', 'The record was tampered with')}: ${scope}.`,
        ...findings.map(({ kind, message }) => `  ${paint('red', kind.padEnd(10))} ${oneLine(message)}`),
      ];
  return [...lines, paint('dim', `${sealed}; key ${publicKey}`)].join('\n');
}
