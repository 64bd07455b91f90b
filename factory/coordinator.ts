import type { Client } from '../shared/client.js';

/** The part of the control plane's API that a factory calls. */
export type Coordinator = Pick<
  Client,
  'enrolFactory' | 'rotateToken' | 'claimJobs' | 'renewLease' | 'reportRun' | 'appendLog' | 'putArtifact'
>;
