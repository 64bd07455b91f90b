import { createClient, type Client } from '../shared/client.js';

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
export type Fleet = Coordinator & Pick<Client, 'handOverJob' | 'getHealth' | 'leaveFleet'>;

const UNAUTHENTICATED = 401;

/**
 * The control plane over HTTP.
 * @param onRefused called whenever it does not take the token, whatever was asked
 */
export const fleetAt = (apiUrl: string, token: () => string, onRefused: () => void): Fleet =>
  createClient({
    baseUrl: apiUrl,
    token: () => Promise.resolve(token()),
    fetch: async (...call) => {
      const response = await fetch(...call);
      if (response.status === UNAUTHENTICATED) onRefused();
      return response;
    },
  });
