// The environment variables that a test passes to each client program, and the report that the program prints.
declare const process: { env: Record<string, string | undefined> };

const value = (name: string): string => {
  const found = process.env[name];
  if (!found) throw new Error(`${name} is not set`);
  return found;
};

export const api = value("API");
export const token = value("TOKEN");
export const timelineId = value("TIMELINE");
export const report = (seen: Record<string, unknown>): void => console.log(JSON.stringify(seen));
