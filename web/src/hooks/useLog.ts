/** The live log of one run. */
import { useEffect, useState } from 'react';
import { useControl } from '../control.js';
import { failureOf, type Failure } from '../view/failure.js';
import { appendLog, EMPTY_LOG, type LogBuffer } from '../view/logBuffer.js';

/** Chunks are gathered for this long: one rendering for a burst, and still live to the eye. */
const GATHER_MS = 60;

export interface LiveLog {
  readonly log: LogBuffer;
  readonly state: 'live' | 'ended' | 'failed';
  readonly failure?: Failure;
}

const START: LiveLog = { log: EMPTY_LOG, state: 'live' };

/** Streams from the beginning and resumes by itself until the log ends; another run starts over. */
export function useLog(jobId: string, epoch: number): LiveLog {
  const { client } = useControl();
  const key = `${jobId}/${epoch}`;
  const [shown, setShown] = useState({ key, ...START });

  useEffect(() => {
    const controller = new AbortController();
    let current: LiveLog = START;
    let pending = '';
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = (): void => {
      timer = undefined;
      current = { ...current, log: appendLog(current.log, pending) };
      pending = '';
      if (!controller.signal.aborted) setShown({ key, ...current });
    };
    const follow = async (): Promise<void> => {
      try {
        const parts = client.streamLog({ params: { jobId, epoch }, signal: controller.signal });
        for await (const part of parts) {
          if ('end' in part) current = { ...current, state: 'ended' };
          else pending += part.text;
          timer ??= setTimeout(flush, GATHER_MS);
        }
      } catch (error) {
        current = { ...current, state: 'failed', failure: failureOf(error) };
        timer ??= setTimeout(flush, GATHER_MS);
      }
    };
    void follow();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [client, key, jobId, epoch]);

  return shown.key === key ? shown : START;
}
