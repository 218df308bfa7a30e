// What both TypeScript clients need beside their generated code.
declare const process: { env: Record<string, string | undefined>; exitCode: number };

export interface Settings {
  baseUrl: string;
  clientId: string;
  clientSecret: string;
  /** A contractor in a status that the client's document does not have. */
  unknownId: string;
  /** A corporate number that nobody has yet. */
  number: string;
}

export function settings(): Settings {
  const get = (name: string): string => {
    const value = process.env[name];
    if (value === undefined) throw new Error(`${name} is not set`);
    return value;
  };
  return {
    baseUrl: get("BASE_URL"),
    clientId: get("CLIENT_ID"),
    clientSecret: get("CLIENT_SECRET"),
    unknownId: get("UNKNOWN_ID"),
    number: get("NUMBER"),
  };
}

export function check(holds: boolean, what: string): void {
  if (!holds) {
    process.exitCode = 1;
    throw new Error(`not so: ${what}`);
  }
}
