/**
 * Keeps secrets out of logs and messages, also where one arrives in two pieces: the ones that this machine is known to
 * have, and whatever looks like one (shared/rules/secrets.ts).
 */
import { MASK, openSecretAt, redactSecrets } from '../../shared/rules/secrets.js';

/** Variables of the machine whose values are credentials, by their names. */
const SECRET_VARIABLE = /(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|API_?KEY|ACCESS_KEY|PRIVATE_KEY)$/i;
/** Shorter values would blacken ordinary words. */
const MIN_SECRET_CHARS = 8;

/** Replaces secrets. */
export class Redactor {
  private secrets: readonly Buffer[] = [];

  constructor(secrets: readonly (string | undefined)[] = []) {
    this.know(...secrets);
  }

  /** Adds secrets; what is too short to be one is left out. */
  know(...secrets: readonly (string | undefined)[]): void {
    const all = new Set(this.secrets.map(String));
    for (const secret of secrets) if (secret && secret.length >= MIN_SECRET_CHARS) all.add(secret);
    // The longest first: a connection string goes as a whole, not only the key in it.
    this.secrets = [...all].sort((a, b) => b.length - a.length).map((secret) => Buffer.from(secret));
  }

  /** Learns the credentials in a machine's environment: an engine may print all of it. */
  knowEnvironment(env: NodeJS.ProcessEnv): void {
    for (const [name, value] of Object.entries(env)) if (SECRET_VARIABLE.test(name)) this.know(value);
  }

  text(text: string): string {
    return redactSecrets(
      this.secrets.reduce((clean, secret) => clean.replaceAll(secret.toString(), MASK), text),
    );
  }

  /** A redactor of one stream. */
  stream(): RedactingStream {
    return new RedactingStream(() => this.secrets);
  }
}

export class RedactingStream {
  private readonly secrets: () => readonly Buffer[];
  /** The end of what came so far, when it may be the beginning of a secret. */
  private held: Buffer = Buffer.alloc(0);

  constructor(secrets: () => readonly Buffer[]) {
    this.secrets = secrets;
  }

  /** What may be passed on now. */
  write(chunk: Buffer): Buffer {
    const clean = this.replace(this.held.length > 0 ? Buffer.concat([this.held, chunk]) : chunk);
    // One character a byte: places in the text are places in the bytes, and secrets are plain ASCII.
    const open = openSecretAt(clean.toString('latin1'));
    const upTo = Math.min(open, clean.length - this.suspicious(clean));
    // A copy: the chunk is a piece of a larger buffer that would be kept alive by it.
    this.held = Buffer.from(clean.subarray(upTo));
    return byLooks(clean.subarray(0, upTo));
  }

  /** The rest, at the end of the stream. */
  end(): Buffer {
    const rest = byLooks(this.held);
    this.held = Buffer.alloc(0);
    return rest;
  }

  private replace(bytes: Buffer): Buffer {
    let clean = bytes;
    for (const secret of this.secrets()) {
      let at = clean.indexOf(secret);
      if (at < 0) continue;
      const parts: Buffer[] = [];
      let from = 0;
      for (; at >= 0; at = clean.indexOf(secret, from)) {
        parts.push(clean.subarray(from, at), Buffer.from(MASK));
        from = at + secret.length;
      }
      parts.push(clean.subarray(from));
      clean = Buffer.concat(parts);
    }
    return clean;
  }

  /** Length of the longest end that begins a secret. */
  private suspicious(bytes: Buffer): number {
    let longest = 0;
    for (const secret of this.secrets()) {
      for (let length = Math.min(secret.length - 1, bytes.length); length > longest; length -= 1) {
        const end = bytes.subarray(bytes.length - length);
        if (end[0] === secret[0] && end.equals(secret.subarray(0, length))) longest = length;
      }
    }
    return longest;
  }
}

/** The same bytes where nothing looks like a secret. */
function byLooks(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  const clean = redactSecrets(text);
  return clean === text ? bytes : Buffer.from(clean, 'latin1');
}
