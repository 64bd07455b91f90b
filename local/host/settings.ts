// Application settings as the Functions host reads them: %NAME% in bindings, and `connection` in its two forms,
// a connection string or a section of identity settings.

/** Settings by name. .NET configuration ignores case and writes `a:b` for `a__b`; so does this. */
export class Settings {
  readonly all: Readonly<Record<string, string>>;
  readonly #byName = new Map<string, string>();

  constructor(all: Readonly<Record<string, string>>) {
    this.all = all;
    for (const [name, value] of Object.entries(all)) this.#byName.set(normalise(name), value);
  }

  get(name: string): string | undefined {
    return this.#byName.get(normalise(name));
  }

  /** Settings `prefix__a__b` as `[['a', 'b'], value]`, in lower case. */
  section(prefix: string): [path: string[], value: string][] {
    const start = `${normalise(prefix)}:`;
    return [...this.#byName]
      .filter(([name]) => name.startsWith(start))
      .map(([name, value]) => [name.slice(start.length).split(':'), value]);
  }

  /** Replaces every `%NAME%`. @throws Error naming a setting that is missing */
  resolve(text: string): string {
    return text.replaceAll(/%([^%]+)%/g, (_, name: string) => {
      const value = this.get(name);
      if (value === undefined) throw new Error(`'%${name}%' does not resolve to a value: set ${name}.`);
      return value;
    });
  }

  isDisabled(functionName: string): boolean {
    return /^(true|1)$/i.test(this.get(`AzureWebJobs.${functionName}.Disabled`) ?? '');
  }

  /**
   * Looks for `AzureWebJobs<name>`, then `<name>`, then the section `<name>__…`.
   * @throws Error naming what was looked for
   */
  connection(name: string): Connection {
    const found = this.findConnection(name);
    if (found) return found;
    throw new Error(`No connection "${name}": set ${name}, or ${name}__<endpoint> to use an identity.`);
  }

  findConnection(name: string): Connection | undefined {
    const text = this.get(`AzureWebJobs${name}`) ?? this.get(name);
    if (text) return { kind: 'connectionString', text };
    for (const prefix of [`AzureWebJobs${name}`, name]) {
      const section = this.section(prefix);
      if (section.length > 0)
        return {
          kind: 'identity',
          options: Object.fromEntries(section.map(([keys, value]) => [keys.join(':'), value])),
        };
    }
    return undefined;
  }
}

export type Connection =
  | { kind: 'connectionString'; text: string }
  /** Names in lower case: `fullyqualifiednamespace`, `accountendpoint`, `blobserviceuri`, `clientid` … */
  | { kind: 'identity'; options: Record<string, string> };

const normalise = (name: string): string => name.toLowerCase().replaceAll('__', ':');
