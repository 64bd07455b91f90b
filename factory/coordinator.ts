import { createClient, type Client } from '../shared/client.js';

/** What carrying out jobs asks for: of the control plane, or of a folder. */
export type Coordinator = Pick<
  Client,
  'claimJobs' | 'renewLease' | 'reportRun' | 'appendLog' | 'putArtifact' | 'getProfileForRun'
>;

/** The control plane's API as a factory calls it: that, and what belongs to a member of a fleet. */
export type Fleet = Coordinator &
  Pick<Client, 'enrolFactory' | 'rotateToken' | 'handOverJob' | 'getHealth' | 'leaveFleet'>;

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
