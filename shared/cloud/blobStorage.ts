import type { AppendBlobClient, BlobServiceClient } from '@azure/storage-blob';
import type { Blobs } from './blobs.js';
import { credentialFor } from './credential.js';
import { CloudError, isCloudError } from './errors.js';
import type { ServiceSetting } from './settings.js';

/** Metadata of a complete log. The service's own seal is not used: the local service has none. */
const CLOSED = 'closed';

/** Opens blob storage. The SDK is loaded here, so that a cold start without it stays short. */
export async function openBlobStorage(setting: ServiceSetting): Promise<Blobs> {
  const { BlobServiceClient: Client } = await import('@azure/storage-blob');
  if (setting.kind === 'connectionString') return blobsOf(Client.fromConnectionString(setting.value));
  return blobsOf(new Client(setting.value, await credentialFor(setting)));
}

function blobsOf(service: BlobServiceClient): Blobs {
  const appendBlob = (container: string, name: string): AppendBlobClient =>
    service.getContainerClient(container).getAppendBlobClient(name);

  const createLog = async (blob: AppendBlobClient): Promise<void> => {
    try {
      await call(() =>
        blob.create({
          conditions: { ifNoneMatch: '*' },
          blobHTTPHeaders: { blobContentType: 'text/plain; charset=utf-8' },
        }),
      );
    } catch (error) {
      if (!isCloudError(error, 'exists', 'precondition')) throw error;
    }
  };
  const lengthOf = async (blob: AppendBlobClient): Promise<number> =>
    (await call(() => blob.getProperties())).contentLength ?? 0;

  return {
    async append(container, name, offset, bytes) {
      const blob = appendBlob(container, name);
      if (bytes.length === 0) {
        if (offset === 0) await createLog(blob);
        return lengthOf(blob);
      }
      const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const append = (): Promise<unknown> =>
        call(() => blob.appendBlock(body, body.length, { conditions: { appendPosition: offset } }));
      try {
        await append();
        return offset + bytes.length;
      } catch (error) {
        if (isCloudError(error, 'precondition')) return lengthOf(blob);
        if (!isCloudError(error, 'not-found')) throw error;
      }
      await createLog(blob);
      try {
        await append();
        return offset + bytes.length;
      } catch (error) {
        if (isCloudError(error, 'precondition')) return lengthOf(blob);
        throw error;
      }
    },
    async closeLog(container, name) {
      const blob = appendBlob(container, name);
      await createLog(blob);
      await call(() => blob.setMetadata({ [CLOSED]: 'true' }));
    },
    async log(container, name) {
      try {
        const properties = await call(() => appendBlob(container, name).getProperties());
        return {
          length: properties.contentLength ?? 0,
          closed: properties.metadata?.[CLOSED] === 'true',
        };
      } catch (error) {
        if (isCloudError(error, 'not-found')) return undefined;
        throw error;
      }
    },
    async read(container, name, offset, length) {
      if (length === 0) return new Uint8Array();
      return call(() => appendBlob(container, name).downloadToBuffer(offset, length));
    },
    async put(container, name, bytes, contentType) {
      await call(() =>
        service
          .getContainerClient(container)
          .getBlockBlobClient(name)
          .uploadData(bytes, { blobHTTPHeaders: { blobContentType: contentType } }),
      );
    },
  };
}

/** The SDK retries transient failures by itself; here they only get their kind. */
async function call<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    throw blobFailure(error);
  }
}

function blobFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'RestError' || !('statusCode' in error)) return error;
  const options = { cause: error };
  switch (error.statusCode) {
    case 404:
      return new CloudError('not-found', error.message, options);
    case 409:
      return new CloudError('exists', error.message, options);
    case 412:
      return new CloudError('precondition', error.message, options);
    case 413:
      return new CloudError('too-large', error.message, options);
    case 429:
      return new CloudError('throttled', error.message, options);
    case undefined:
    case 408:
    case 500:
    case 502:
    case 503:
    case 504:
      return new CloudError('unavailable', error.message, options);
    default:
      return error;
  }
}
