// Resource ids: bytes of database (4), container (4), item (8), in base64 with '-' for '/'. Clients take the
// container of a session token from their length.

const encode = (bytes: Buffer): string => bytes.toString('base64').replaceAll('/', '-');

export function databaseRid(number: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return encode(bytes);
}

/** @param number unique in the account; its top bit marks a container, as in the service */
export function containerRid(database: string, number: number): string {
  const bytes = Buffer.alloc(8);
  bytes.set(Buffer.from(database, 'base64'));
  bytes.writeUInt32BE((0x80000000 | number) >>> 0, 4);
  return encode(bytes);
}

/** @param sequence counts the items ever made in the container */
export function itemRid(container: string, sequence: number): string {
  const bytes = Buffer.alloc(16);
  bytes.set(Buffer.from(container.replaceAll('-', '/'), 'base64'));
  bytes.writeBigUInt64BE(BigInt(sequence), 8);
  return encode(bytes);
}
