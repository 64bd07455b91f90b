import type { Client } from '../shared/client.js';

/** The part of the control plane's API that a factory calls. */
export type Coordinator = Pick<
  Client,
  | 'enrolFactory'
  | 'rotateToken'
  | 'claimJobs'
  | 'renewLease'
  | 'reportRun'
  | 'appendLog'
  | 'putArtifact'
  | 'getProfileForRun'
>;

/** What a factory asks of the control plane beside that, and a folder cannot answer. */
export type Fleet = Coordinator & Pick<Client, 'handOverJob' | 'getHealth'>;
